package doctor

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/cgroup"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

func size(r cgroup.Reading) string {
	switch {
	case r.Err != nil:
		return cgroup.Reason(r.Err)
	case r.Unlimited:
		return "no limit"
	}
	return fmt.Sprintf("%d (%s)", r.Value, tuning.RoundedSize(r.Value))
}

// memory judges the limit that kills.
func (e *exam) memory(f *Finding) {
	m := e.view.Memory
	for _, l := range m.Levels {
		f.see(l.Max.File, size(l.Max))
	}
	switch {
	case len(m.Levels) == 0:
		f.say(Unknown, "whether there is a limit is not known: %s", cgroup.Reason(m.Err))
	case m.Max.Limited() && m.Max.File != m.Levels[0].Max.File:
		f.say(Note, "%s, set above the own group", tuning.RoundedSize(m.Max.Value))
		f.advise("the own group says that there is no such limit: what looks there alone misses it", "nothing for our hook, which looks at all visible ancestors; else set the limit on the container itself")
	case m.Max.Limited():
		f.say(OK, "%s", tuning.RoundedSize(m.Max.Value))
	case noFile(m.Place, m.Levels[0].Max.Err):
		f.say(OK, "no limit: the own group has no such file")
	case m.Levels[0].Max.Err != nil:
		f.say(Unknown, "the limit cannot be read")
	default:
		f.say(OK, "no limit")
	}
}

// memoryHigh judges the limit that throttles.
func (e *exam) memoryHigh(f *Finding) {
	m := e.view.Memory
	for _, l := range m.Levels {
		if l.High.File != "" {
			f.see(l.High.File, size(l.High))
		}
	}
	switch {
	case len(m.Levels) == 0:
		f.say(Unknown, "not known: %s", cgroup.Reason(m.Err))
	case !m.High.Limited() && m.Levels[0].High.Err != nil && !noFile(m.Place, m.Levels[0].High.Err):
		f.say(Unknown, "the limit cannot be read")
	case !m.High.Limited():
		f.say(OK, "no limit that throttles")
	default:
		f.say(Note, "%s", tuning.RoundedSize(m.High.Value))
		f.advise("above it the kernel slows the process down to a crawl, and Go does not notice; Kubernetes' MemoryQoS sets it at 0.9 of the limit",
			fmt.Sprintf("keep GOMEMLIMIT at or under %s, 95%% of it", tuning.RoundedSize(underHigh(m.High.Value))))
	}
}

// underHigh is the most that GOMEMLIMIT may be under a memory.high.
func underHigh(high int64) int64 { return high - high*(100-tuning.HighShare)/100 }

// memLimit judges GOMEMLIMIT against the limits that are visible.
func (e *exam) memLimit(f *Finding) {
	m := e.view.Memory
	limits := tuning.Memory{Headroom: tuning.DefaultHeadroom}
	if m.Max.Limited() {
		limits.Max = m.Max.Value
		f.see(m.Max.File, size(m.Max))
	}
	if m.High.Limited() && (limits.Max == 0 || m.High.Value <= limits.Max) {
		limits.High = m.High.Value
		f.see(m.High.File, size(m.High))
	}
	want, err := tuning.MemLimit(limits)
	env, set := e.env["GOMEMLIMIT"]
	if set && env != "" {
		f.see("env GOMEMLIMIT", brief(env))
		e.memLimitSet(f, env, limits)
		return
	}
	switch {
	case len(m.Levels) == 0 || limits.Max+limits.High == 0 && unread(m):
		f.say(Unknown, "off, as no variable sets it; whether it should be is not known")
		f.advise("no version of Go reads a memory limit from the cgroup", "set GOMEMLIMIT to about 90% of the container's limit")
	case limits.Max == 0 && limits.High == 0:
		f.say(OK, "off, and there is no limit to stay below")
	case err != nil || want.Bytes == 0:
		f.say(Note, "off; the limit is too small for one")
		f.advise("below 64 MiB the collector would run without end", "raise the limit, if the service is killed")
	default:
		f.say(Warn, "off, although the memory is limited")
		f.advise("no version of Go reads a memory limit from the cgroup: the collector does not work against it, and the kernel kills",
			fmt.Sprintf("GOMEMLIMIT=%s (%s), or an image with runtime.memlimit: auto", strconv.FormatInt(want.Bytes, 10), tuning.RoundedSize(want.Bytes)))
	}
}

// unread reports whether the own group has a limit that cannot be read.
func unread(m cgroup.Memory) bool {
	err := m.Levels[0].Max.Err
	return err != nil && !noFile(m.Place, err)
}

// memLimitSet judges a GOMEMLIMIT of the environment.
func (e *exam) memLimitSet(f *Finding, env string, limits tuning.Memory) {
	n, err := tuning.ParseMemLimit(env)
	high := underHigh(limits.High)
	switch {
	case err != nil:
		f.say(Warn, "GOMEMLIMIT=%s is fatal", brief(env))
		f.advise("a Go program ends before main, with exit code 2", "write bytes, or a whole number with KiB, MiB or GiB")
	case n == tuning.Unlimited && limits.Max+limits.High > 0:
		f.say(Note, "off, as the environment says")
		f.advise("the collector does not work against the limit; an automatic one respects off", "remove it, if that was not meant")
	case limits.Max > 0 && n >= limits.Max && n != tuning.Unlimited:
		f.say(Warn, "%s, not below the limit of %s", tuning.RoundedSize(n), tuning.RoundedSize(limits.Max))
		f.advise("the kernel kills before the collector acts", fmt.Sprintf("about %s", tuning.RoundedSize(limits.Max/100*90)))
	case limits.High > 0 && n > high && n != tuning.Unlimited:
		f.say(Warn, "%s, too near memory.high", tuning.RoundedSize(n))
		f.advise("the kernel throttles before the collector acts", "at most "+tuning.RoundedSize(high))
	case n == tuning.Unlimited:
		f.say(OK, "off")
	default:
		f.say(OK, "%s, set by the environment", tuning.RoundedSize(n))
	}
}

// memoryEvents are what already happened to the group.
func (e *exam) memoryEvents(f *Finding) {
	events := e.view.Memory.Events
	var words []string
	for _, name := range []string{"high", "max", "oom_kill"} {
		if events[name] > 0 {
			words = append(words, fmt.Sprintf("%s %d", name, events[name]))
		}
	}
	if dir := e.view.Memory.Dir(); dir != "" && len(words) > 0 {
		f.see(dir+map[int]string{1: "/memory.oom_control", 2: "/memory.events"}[e.view.Memory.Version], strings.Join(words, ", "))
	}
	switch {
	case e.view.Memory.Dir() == "":
		f.say(Unknown, "the own group is not visible")
	case events["oom_kill"] > 0:
		f.say(Warn, "%d kills for lack of memory", events["oom_kill"])
		f.advise("a process of the group was killed with SIGKILL", "raise the limit, or set GOMEMLIMIT")
	case events["high"] > 0 || events["max"] > 0:
		f.say(Note, "the limits were hit: %s", strings.Join(words, ", "))
		f.advise("each hit is time in which the kernel looks for memory", "lower GOMEMLIMIT, or raise the limit")
	default:
		f.say(OK, "no limit was hit, as far as the files tell")
	}
}
