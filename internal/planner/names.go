package planner

import (
	gopath "path"
	"strings"

	"golang.org/x/mod/module"
)

// rootDirs are the directories of a root file system, which a binary at /NAME
// would hide or collide with.
var rootDirs = map[string]bool{
	"bin": true, "boot": true, "dev": true, "etc": true, "home": true, "lib": true, "lib32": true, "lib64": true,
	"media": true, "mnt": true, "opt": true, "proc": true, "root": true, "run": true, "sbin": true, "srv": true,
	"sys": true, "tmp": true, "usr": true, "var": true,
}

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
		case rootDirs[b.name]:
			p.problem(b.key, "binary-name", "the binary would be /%s, which is a directory of every root file system: set name", b.name)
		case seen[b.name]:
			p.problem(b.key, "binary-name", "two binaries are called %s: set name for one of them", b.name)
		}
		seen[b.name] = true
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
	prefix, _, ok := module.SplitPathVersion(m.Path)
	if !ok {
		prefix = m.Path
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

// fields splits a string as cmd/go splits -ldflags (cmd/internal/quoted): spaces
// separate, single and double quotes group, and nothing escapes.
func fields(s string) ([]string, bool) {
	var out []string
	for s = strings.TrimLeft(s, " \t\r\n"); s != ""; s = strings.TrimLeft(s, " \t\r\n") {
		if q := s[0]; q == '\'' || q == '"' {
			end := strings.IndexByte(s[1:], q)
			if end < 0 {
				return nil, false
			}
			out, s = append(out, s[1:end+1]), s[end+2:]
			continue
		}
		end := strings.IndexAny(s, " \t\r\n")
		if end < 0 {
			end = len(s)
		}
		out, s = append(out, s[:end]), s[end:]
	}
	return out, true
}
