package planner

import (
	"go/version"
	"path"
	"slices"

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
	p.hook, p.hookLabel = hook.File(o), tuning.FormatAuto(o.Percent)
}

// hookOf is the hook of a binary, nil without one.
func (p *planning) hookOf(b mainPackage) *plan.Hook {
	if p.hook == "" {
		return nil
	}
	return &plan.Hook{Path: path.Join(b.dir, hook.FileName), Content: p.hook, Function: hook.Function}
}
