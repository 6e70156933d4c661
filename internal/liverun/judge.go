package liverun

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/cgroup"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

// Finding is one disagreement: what of the run, what was seen, and what was claimed.
type Finding struct{ Where, Got, Want string }

// Findings are what a run disagrees with.
type Findings struct {
	Fails, Warns []Finding
	// Unknowns are what could not be seen.
	Unknowns []string
	// Summary says in a line what was seen.
	Summary string
}

func (f *Findings) fail(where, got, want string) {
	f.Fails = append(f.Fails, Finding{where, got, want})
}

func (f *Findings) warn(where, got, want string) {
	f.Warns = append(f.Warns, Finding{where, got, want})
}

func (f *Findings) unknown(format string, args ...any) {
	f.Unknowns = append(f.Unknowns, fmt.Sprintf(format, args...))
}

// Judge holds a run against the labels of the image and the user of its config. An image
// without our labels is judged by what holds for all: that it lived.
func Judge(o Observation, labels map[string]string, user string) Findings {
	f := Findings{Summary: summary(o)}
	lived(o, &f)
	if o.Process == nil {
		f.unknown("the process was not seen in /proc: it ended too soon, or runs in a virtual machine")
	} else {
		account(o.Process, user, &f)
		group(o, labels[tuning.LabelCgroup], &f)
		applied(o, &f)
		environment(o.Process.Env, labels, &f)
	}
	maxProcs(o, labels[tuning.LabelMaxProcs], &f)
	memLimit(o, labels[tuning.LabelMemLimit], &f)
	scraped(o, &f)
	return f
}

func lived(o Observation, f *Findings) {
	if o.Lived {
		return
	}
	got := fmt.Sprintf("ended after %s with exit code %d", o.Waited, o.Exit)
	switch {
	case o.Process != nil && o.Process.Kills > 0, o.Exit == 137:
		got += ": killed, as the kernel does at the memory limit" + of(o.Asked.Memory)
	case o.Exit == 0:
		f.warn("run", got, "a service that still runs")
		return
	}
	if o.Log != "" {
		got += ": " + lastLine(o.Log)
	}
	f.fail("run", got, "a service that still runs")
}

func of(n int64) string {
	if n == 0 {
		return ""
	}
	return " of " + tuning.RoundedSize(n)
}

// group judges what the service sees of its control group.
func group(o Observation, label string, f *Findings) {
	g := o.Process.Group
	if label == "v2" && g.Mode != cgroup.ModeV2 {
		f.fail("run cgroup", string(g.Mode), "v2")
	}
	if len(o.Process.Inside) == 0 {
		f.fail("run cgroup", "no cgroup is mounted in the container", "one, so that limits can be followed")
	}
}

// applied judges whether the runtime gave the container the limits that it was told.
func applied(o Observation, f *Findings) {
	g, asked := o.Process.Group, o.Asked
	if asked.Memory > 0 && (!g.Memory.Max.Limited() || g.Memory.Max.Value > asked.Memory) {
		f.unknown("the memory limit of %s was not applied: %s", tuning.RoundedSize(asked.Memory), reading(g.Memory.Max))
	}
	if asked.High > 0 && !g.Memory.High.Limited() {
		f.warn("run memory.high", "not set, cgroup "+string(g.Mode), tuning.RoundedSize(asked.High))
	}
	if q := g.CPU.Quota; asked.MilliCPUs > 0 && math.Abs(q.Cores()*1000-float64(asked.MilliCPUs)) > 1 {
		f.unknown("the limit of %s CPUs was not applied: %s", tuning.FormatCores(asked.MilliCPUs), cmp.Or(cgroup.Reason(q.Err), "another quota"))
	}
}

func reading(r cgroup.Reading) string {
	if r.Limited() {
		return tuning.RoundedSize(r.Value)
	}
	return cmp.Or(cgroup.Reason(r.Err), "no limit")
}

// environment compares the variables that have labels of their own and need no more.
func environment(env []string, labels map[string]string, f *Findings) {
	for label, name := range map[string]string{tuning.LabelGOGC: "GOGC", tuning.LabelGODEBUG: "GODEBUG"} {
		want, claimed := labels[label]
		got, _ := lookup(env, name)
		if claimed && name == "GOGC" && got != want {
			f.fail("run env "+name, cmp.Or(got, "not set"), want)
		}
		if settings, err := tuning.ParseGODEBUG(got); name == "GODEBUG" && err == nil {
			for _, off := range []string{"containermaxprocs", "updatemaxprocs"} {
				if labels[tuning.LabelMaxProcs] == "auto" && slices.Contains(settings, tuning.Setting{Key: off, Value: "0"}) {
					f.fail("run env GODEBUG", off+"=0", "GOMAXPROCS that follows the CPU limit")
				}
			}
		}
	}
}

// maxProcs holds what the runtime took against the label.
func maxProcs(o Observation, label string, f *Findings) {
	if o.MaxProcs == 0 {
		if label == "" {
			return // nobody says that it is a Go program
		}
		f.unknown("the runtime printed no GOMAXPROCS: no Go program, or one that ended first")
		return
	}
	if n, err := strconv.Atoi(label); err == nil && n != o.MaxProcs {
		f.fail("run GOMAXPROCS", fmt.Sprint(o.MaxProcs), "label "+label)
	}
	if label != "auto" || o.Process == nil {
		return
	}
	if value, set := lookup(o.Process.Env, "GOMAXPROCS"); set && value != "" {
		f.fail("run GOMAXPROCS", fmt.Sprintf("%d, as the environment says", o.MaxProcs), "label auto: the CPU limit decides")
		return
	}
	follows(o, f)
}

// follows judges a GOMAXPROCS of the runtime's own choice. On a machine of few CPUs the
// number alone tells little (two is the least, and may be all): the runtime that follows
// a quota keeps its file open.
func follows(o Observation, f *Findings) {
	p := o.Process
	want := p.Group.MaxProcs(len(p.Group.CPU.Allowed))
	if want.Go > 0 && want.Go != o.MaxProcs {
		f.fail("run GOMAXPROCS", fmt.Sprint(o.MaxProcs), fmt.Sprintf("%d: %s", want.Go, want.Why))
		return
	}
	if want.Quota.Err != nil {
		if o.Asked.MilliCPUs > 0 {
			f.unknown("whether GOMAXPROCS follows the CPU limit: %s", cgroup.Reason(want.Quota.Err))
		}
		return
	}
	// One that ended may have been seen before its runtime got that far.
	if len(p.Holds) == 0 && o.Lived {
		f.fail("run GOMAXPROCS", fmt.Sprintf("%d, but the runtime follows no quota (a go line below 1.25, or containermaxprocs=0)", o.MaxProcs), "label auto: the CPU limit decides")
	}
}

// memLimit holds the effective GOMEMLIMIT against the label and the real limit.
func memLimit(o Observation, label string, f *Findings) {
	if o.Process == nil {
		return
	}
	env, _ := lookup(o.Process.Env, "GOMEMLIMIT")
	got := tuning.Unlimited
	if env != "" {
		n, err := tuning.ParseMemLimit(env)
		if err != nil {
			f.fail("run GOMEMLIMIT", env, "a value that the runtime takes")
			return
		}
		got = n
	}
	switch _, auto := strings.CutPrefix(label, "auto"); {
	case label == "":
	case auto && env != "":
		f.fail("run GOMEMLIMIT", env+", as the environment says", "label "+label)
	case auto:
		var known bool
		if got, known = hooked(o, label, f); !known {
			return
		}
	case label == "off" && got != tuning.Unlimited, label != "off" && tuning.FormatMemLimit(got) != label:
		f.fail("run GOMEMLIMIT", shownLimit(got), "label "+label)
	}
	if m := o.Process.Group.Memory.Max; m.Limited() && got != tuning.Unlimited && got >= m.Value {
		f.fail("run GOMEMLIMIT", tuning.RoundedSize(got), "less than the limit of "+tuning.RoundedSize(m.Value))
	}
}

func shownLimit(n int64) string {
	if n == tuning.Unlimited {
		return "off"
	}
	return strconv.FormatInt(n, 10)
}

// hooked reads the limit from the hook's line; known is false if the rest cannot be judged.
func hooked(o Observation, label string, f *Findings) (limit int64, known bool) {
	limit, err := hookLimit(o.Hook)
	m := o.Process.Group.Memory
	switch {
	case o.Hook == "" && o.Log == "" && o.MaxProcs == 0:
		f.unknown("nothing was seen of what the service wrote")
		return 0, false
	case o.Hook == "":
		f.fail("run GOMEMLIMIT", "the start-up hook said nothing", "label "+label)
		return 0, false
	case err != nil:
		f.unknown("%v", err)
		return 0, false
	case limit == tuning.Unlimited && (m.Max.Limited() && m.Max.Value >= 2*tuning.MinMemLimit):
		f.fail("run GOMEMLIMIT", "off: "+o.Hook, "below the limit of "+tuning.RoundedSize(m.Max.Value))
	}
	return limit, true
}

// hookLimit is the last number of a line that ends in "GOMEMLIMIT N"; a line that says
// that none was set is no limit.
func hookLimit(line string) (int64, error) {
	if strings.Contains(line, "GOMEMLIMIT stays off") {
		return tuning.Unlimited, nil
	}
	i := strings.LastIndex(line, "GOMEMLIMIT ")
	if i < 0 {
		return 0, errors.New("the hook's line names no limit: " + line)
	}
	n, err := strconv.ParseInt(line[i+len("GOMEMLIMIT "):], 10, 64)
	if err != nil || n <= 0 {
		return 0, errors.New("the hook's line names no limit: " + line)
	}
	return n, nil
}

// scraped compares the service's own metrics with what the runtime printed.
func scraped(o Observation, f *Findings) {
	if o.MetricsErr != nil {
		f.unknown("%v", o.MetricsErr)
		return
	}
	if n, ok := o.Metrics[metricMaxProcs]; ok && o.MaxProcs > 0 && int(n) != o.MaxProcs {
		f.fail("run metric "+metricMaxProcs, fmt.Sprint(n), fmt.Sprint(o.MaxProcs))
	}
	n, ok := o.Metrics[metricMemLimit]
	if !ok || o.Process == nil {
		return
	}
	env, _ := lookup(o.Process.Env, "GOMEMLIMIT")
	want, err := tuning.ParseMemLimit(env)
	if o.Hook != "" && env == "" {
		want, err = hookLimit(o.Hook)
	}
	// A float of 64 bits has 53 for the number: "off" is not shown exactly.
	if err == nil && math.Abs(n-float64(want)) > 4096 {
		f.fail("run metric "+metricMemLimit, strconv.FormatFloat(n, 'f', 0, 64), shownLimit(want))
	}
}
