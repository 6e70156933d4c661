package planner

import (
	"go/version"
	"strconv"

	"github.com/plimsoll-build/plimsoll/internal/facts"
	"github.com/plimsoll-build/plimsoll/internal/hook"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

// What the gomaxprocs label can say besides a number.
const (
	procsAuto    = "auto"    // the runtime follows the CPU limit
	procsDefault = "default" // nothing is promised
)

// tune settles GOMEMLIMIT and GOMAXPROCS from the declared limits.
func (p *planning) tune() {
	r := p.service.Runtime
	headroom := tuning.DefaultHeadroom
	if r.Memory.Headroom != nil {
		headroom = int(*r.Memory.Headroom)
	}
	if r.Memlimit == "auto" {
		p.hookIn(hook.Options{Percent: 100 - headroom, NonGo: int64(r.Memory.NonGo), Refresh: r.Memory.RefreshSeconds()})
	}
	if r.Memlimit != "off" {
		limit, err := tuning.MemLimit(tuning.Memory{Max: int64(r.Memory.Max), High: int64(r.Memory.High), NonGo: int64(r.Memory.NonGo), Headroom: headroom})
		if err != nil {
			p.problem("runtime.memory", "memlimit", "%v", err)
		}
		if limit.Warning != "" {
			p.warn("runtime.memory", "memlimit", "%s", limit.Warning)
		}
		if p.hook == "" {
			p.limit = limit
		}
	}
	if r.Gogc == "off" && p.limit.Bytes == 0 {
		p.problem("runtime.gogc", "gogc", "off needs a memory limit, and none is set: the collector would never run")
	}
	if p.limit.Bytes > 0 {
		p.warn("runtime.memory", "fixed-memlimit", "GOMEMLIMIT is fixed in the image at %s: an operator who changes the container's limit must set GOMEMLIMIT too", tuning.RoundedSize(p.limit.Bytes))
	}
	p.procs = p.maxProcs()
}

// maxProcs is the gomaxprocs label. "auto" is only said where the runtime really
// follows the cgroup: toolchain and go line of 1.25 or newer, and no setting that
// turns it off (runtime.md, Facts).
func (p *planning) maxProcs() string {
	set := p.service.Runtime.Gomaxprocs
	if _, err := strconv.Atoi(set); err == nil {
		return set
	}
	var why string
	for _, b := range p.binaries {
		if why = p.notFollowing(p.facts.Modules[b.dir]); why != "" {
			break
		}
	}
	switch {
	case why == "":
		return procsAuto
	case set == procsAuto:
		p.problem("runtime.gomaxprocs", "maxprocs", "auto cannot be kept: %s", why)
	default:
		p.warn("runtime.gomaxprocs", "maxprocs", "GOMAXPROCS will not follow the CPU limit: %s", why)
	}
	return procsDefault
}

// notFollowing says why GOMAXPROCS of a binary of that module would not follow the
// cgroup; empty if it does.
func (p *planning) notFollowing(m facts.Module) string {
	line := m.GoLine
	if d, ok := m.Godebug["default"]; ok {
		line = trimGo(d)
	}
	if p.facts.Go != "" && before125(p.facts.Go) {
		return "Go " + p.facts.Go + " does not read the CPU limit, 1.25 does"
	}
	if before125(line) {
		return "the go line " + line + " of " + goFile(m) + " turns it off in any toolchain: raise it to 1.25.0 or newer"
	}
	for _, key := range []string{"containermaxprocs", "updatemaxprocs"} {
		if m.Godebug[key] == "0" || p.service.Runtime.Godebug[key] == "0" {
			return "the GODEBUG setting " + key + "=0 turns it off"
		}
	}
	return ""
}

func before125(v string) bool { return version.Compare("go"+v, "go1.25") < 0 }

func trimGo(v string) string {
	if len(v) > 2 && v[:2] == "go" {
		return v[2:]
	}
	return v
}

// runtimeEnv is what the tuning puts into the container's environment.
func (p *planning) runtimeEnv() map[string]string {
	env := map[string]string{}
	r := p.service.Runtime
	if p.limit.Bytes > 0 {
		env["GOMEMLIMIT"] = tuning.FormatMemLimit(p.limit.Bytes)
	}
	if p.procs != procsAuto && p.procs != procsDefault {
		env["GOMAXPROCS"] = p.procs
	}
	if r.Gogc != "" {
		env["GOGC"] = r.Gogc
	}
	if godebug := p.godebugEnv(); godebug != "" {
		env["GODEBUG"] = godebug
	}
	return env
}
