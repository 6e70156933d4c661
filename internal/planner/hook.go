package planner

import (
	"go/version"
	"path"
	"slices"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/hook"
	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

// hookGo is the first Go with which a hook is built: before it, the go command does not
// reliably add files to a package (golang/go#71783), and GOMAXPROCS does not follow the
// container's limit either.
const hookGo = "1.25"

// hookIn settles the start-up hook, which every binary gets.
func (p *planning) hookIn(o hook.Options) {
	const key = "runtime.memlimit"
	if version.Compare("go"+p.facts.Go, "go"+hookGo) < 0 {
		p.problem(key, "memlimit", "auto needs Go %s or newer, and the toolchain is Go %s: use memlimit: env", hookGo, p.facts.Go)
	}
	for _, b := range p.binaries {
		m := p.facts.Modules[b.dir]
		if version.Compare("go"+m.GoLine, "go"+hookGo) < 0 {
			p.problem(key, "memlimit", "auto needs a go line of %s or newer, and that of %s is %s: raise it, or use memlimit: env", hookGo, path.Join(m.Dir, "go.mod"), m.GoLine)
		}
		if slices.Contains(m.MainFiles, hook.FileName) {
			p.problem(key, "memlimit", "%s is there already: auto would put its own file at this place; remove or rename it", path.Join(b.dir, hook.FileName))
		}
	}
	o.Godebug = p.godebugLines()
	if len(o.Marker()) > hook.MarkerMax {
		p.problem("runtime.godebug", "memlimit", "there are too many settings for memlimit: auto: their lines may have %d bytes", hook.MarkerMax)
	}
	p.hook, p.hookLabel = hook.File(o), tuning.FormatAuto(o.Percent)
}

// godebugLines are the settings that become //go:debug lines of the hook. What every main
// package sets already needs none, and would be an error of the go command; what one of them
// sets otherwise, or not for each platform, is in two minds.
func (p *planning) godebugLines() string {
	all, _ := tuning.SplitGODEBUG(tuning.FormatGODEBUG(p.service.Runtime.Godebug))
	if all == "" {
		return ""
	}
	var lines []string
	for setting := range strings.SplitSeq(all, ",") {
		key, want, _ := strings.Cut(setting, "=")
		var same, other []string
		for _, b := range p.binaries {
			switch got, set := p.facts.Modules[b.dir].Directives[key]; {
			case set && got == want:
				same = append(same, b.dir)
			case set:
				other = append(other, b.dir)
			}
		}
		switch {
		case len(other) > 0:
			p.problem("runtime.godebug."+key, "memlimit", "the main package %s has a //go:debug line for %s that says something else, or not on every platform: take one of them out", other[0], key)
		case len(same) == 0:
			lines = append(lines, setting)
		case len(same) < len(p.binaries):
			p.problem("runtime.godebug."+key, "memlimit", "the main package %s has a //go:debug line for %s, and others have none: take it out, this setting is for all of them", same[0], key)
		}
	}
	return strings.Join(lines, ",")
}

// godebugEnv is GODEBUG in the environment: with a hook, what no line of a program can set.
func (p *planning) godebugEnv() string {
	all := tuning.FormatGODEBUG(p.service.Runtime.Godebug)
	if p.hook == "" {
		return all
	}
	_, env := tuning.SplitGODEBUG(all)
	return env
}

// hookOf is the hook of a binary, nil without one.
func (p *planning) hookOf(b mainPackage) *plan.Hook {
	if p.hook == "" {
		return nil
	}
	return &plan.Hook{Path: path.Join(b.dir, hook.FileName), Content: p.hook, Function: hook.Function}
}
