package planner

import (
	gopath "path"

	"golang.org/x/mod/module"

	"github.com/plimsoll-build/plimsoll/internal/spec"
)

// named are the binaries with their names settled.
func (p *planning) named() []mainPackage {
	all := mains(p.service)
	seen := map[string]bool{}
	for i := range all {
		b := &all[i]
		if b.name == "" {
			b.name = p.defaultName(b.dir)
		}
		switch {
		case spec.ReservedName(b.name):
			p.problem(b.key, "binary-name", "the binary would be /%s, which is a directory of every root file system: set name", b.name)
		case seen[b.name]:
			p.problem(b.key, "binary-name", "two binaries are called %s: set name for one of them", b.name)
		}
		seen[b.name] = true
		if dir := p.facts.Modules[b.dir].Dir; dir != p.facts.Modules[all[0].dir].Dir {
			p.problem(b.key, "two-modules", "%s is in module %s and %s in another: an image holds binaries of one module", b.dir, dir, all[0].dir)
		}
	}
	return all
}

// defaultName is the last element of the main package's directory, else of the
// module path without its major version suffix.
func (p *planning) defaultName(dir string) string {
	m := p.facts.Modules[dir]
	if dir != "." && dir != m.Dir {
		return gopath.Base(dir)
	}
	return ModuleName(m.Path)
}

// ModuleName is the last element of a module path, its major version suffix left out.
func ModuleName(modulePath string) string {
	prefix, _, ok := module.SplitPathVersion(modulePath)
	if !ok {
		prefix = modulePath
	}
	return gopath.Base(prefix)
}

// title is the service's name.
func (p *planning) title() string {
	if p.service.Name != "" {
		return p.service.Name
	}
	return p.binaries[0].name
}
