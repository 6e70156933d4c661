package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/plimsoll-build/plimsoll/internal/cgroup"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

// seeLevels puts the quotas of the own group and its ancestors into the evidence.
func (e *exam) seeLevels(f *Finding) {
	for _, q := range e.view.CPU.Levels {
		switch {
		case q.Err != nil:
			f.see(q.File, cgroup.Reason(q.Err))
		case q.Unlimited:
			f.see(q.File, "no quota")
		default:
			f.see(q.File, fmt.Sprintf("%d of %d µs", q.Quota, q.Period))
		}
	}
}

func (e *exam) cpu(f *Finding) {
	e.seeLevels(f)
	c := e.view.CPU
	if len(c.Levels) == 0 {
		f.say(Unknown, "whether there is a quota is not known: %s", cgroup.Reason(c.Err))
		return
	}
	own := c.Levels[0]
	switch {
	case c.Quota.Limited() && c.Quota.File != own.File:
		f.say(Warn, "%.4g CPUs, but set above the own group", c.Quota.Cores())
		f.advise("Go reads the own group alone (golang/go#81180): it will use more CPUs than there is time for, and be throttled", "set the quota on the container itself, or GOMAXPROCS")
	case c.Quota.Limited():
		f.say(OK, "%.4g CPUs", c.Quota.Cores())
	case noFile(c.Place, own.Err):
		f.say(OK, "no quota: the own group has no such file")
	case own.Err != nil:
		f.say(Unknown, "the quota cannot be read")
	default:
		f.say(OK, "no quota")
	}
	if w := c.Weight; !c.Quota.Limited() && w.Limited() && !slices.Contains([]int64{100, 1024}, w.Value) {
		f.see(w.File, fmt.Sprint(w.Value))
		f.say(Note, "a weight without a quota")
		f.advise("a weight, or a request of Kubernetes, changes nothing in GOMAXPROCS", "set a CPU limit, or GOMAXPROCS, if the service shares its machine")
	}
}

// noFile reports whether a visible group lacks a file: the root of a hierarchy has no
// limits, and neither has a group for which the controller is not enabled.
func noFile(p cgroup.Place, err error) bool {
	return p.Err == nil && errors.Is(err, fs.ErrNotExist)
}

// maxProcs says what the runtime takes and why.
func (e *exam) maxProcs(f *Finding) {
	cpus := len(e.view.CPU.Allowed)
	if cpus == 0 {
		f.see("/proc/self/status", "no Cpus_allowed_list")
		f.say(Unknown, "the CPUs of the affinity mask are not known")
		return
	}
	p := e.view.MaxProcs(cpus)
	f.see("/proc/self/status", fmt.Sprintf("%d CPUs allowed", cpus))
	if p.Quota.File != "" {
		e.seeLevels(f)
	}
	f.say(OK, "%d: %s", p.Go, p.Why)
	switch {
	case e.setByHand(f):
	case e.view.CPU.Quota.Limited() && e.view.CPU.Quota.File != p.Quota.File && e.view.CPU.Quota.Cores() < float64(p.Go):
		f.say(Warn, "%d, above the %.4g CPUs of an ancestor", p.Go, e.view.CPU.Quota.Cores())
		f.advise("the runtime reads the own group alone", "set GOMAXPROCS, or the quota on the container itself")
	case p.Go < p.Old:
		f.say(OK, "%d: %s; %d if the go line of go.mod is below 1.25", p.Go, p.Why, p.Old)
	case p.Quota.Err != nil && !noFile(e.view.CPU.Place, p.Quota.Err):
		f.say(Warn, "%d: %s", p.Go, p.Why)
		f.advise("a quota may hold all the same; then the service is throttled", "see the findings cgroup and cgroup-mount, or set GOMAXPROCS")
	}
}

// setByHand judges the variables that replace what the runtime would take.
func (e *exam) setByHand(f *Finding) bool {
	if s := e.env["GOMAXPROCS"]; s != "" {
		f.see("env GOMAXPROCS", brief(s))
		n, err := tuning.ParseMaxProcs(s)
		if err != nil {
			f.say(Warn, "GOMAXPROCS=%s is ignored", brief(s))
			f.advise("the runtime takes whole numbers alone, and says nothing", "write a whole number, or remove it")
		} else if n > 0 {
			f.say(Note, "%d, set by GOMAXPROCS", n)
			f.advise("a number that is set does not follow the quota", "remove it, if it should")
		}
		return err != nil || n > 0
	}
	settings, _ := tuning.ParseGODEBUG(e.env["GODEBUG"])
	if slices.Contains(settings, tuning.Setting{Key: "containermaxprocs", Value: "0"}) {
		f.see("env GODEBUG", brief(e.env["GODEBUG"]))
		f.say(Warn, "%d: GODEBUG turns the quota off", len(e.view.CPU.Allowed))
		f.advise("the service uses more CPUs than there is time for", "remove containermaxprocs=0")
		return true
	}
	return false
}

func (e *exam) pids(f *Finding) {
	m := e.view.Pids.Max
	switch {
	case !m.Known():
		f.say(OK, "no limit of processes shows here")
	case m.Unlimited:
		f.see(m.File, "max")
		f.say(OK, "no limit of processes")
	case m.Value < 64:
		f.see(m.File, fmt.Sprint(m.Value))
		f.say(Warn, "%d processes and threads", m.Value)
		f.advise("Go needs a thread for each CPU and for each blocking system call; without one it ends with a fatal error", "allow some hundreds")
	default:
		f.see(m.File, fmt.Sprint(m.Value))
		f.say(OK, "%d processes and threads", m.Value)
	}
}
