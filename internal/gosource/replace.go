package gosource

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// replacement is what a replace directive names: a directory if it has no version.
type replacement struct{ dir, version string }

// replacements gathers the replace directives of go.work and of the own modules by the
// rules of modload.makeMainModules: go.work overrides, and go.mod files must agree.
type replacements struct {
	byWork map[string]bool
	all    map[module.Version]replacement
}

// add adds the directives of a file in base.
func (r *replacements) add(base string, list []*modfile.Replace, work bool) error {
	here := map[module.Version]replacement{}
	for _, d := range list {
		if r.byWork[d.Old.Path] {
			continue
		}
		to := replacement{dir: d.New.Path, version: d.New.Version}
		if d.New.Version == "" && !path.IsAbs(d.New.Path) {
			to.dir = path.Join(base, d.New.Path)
		}
		here[d.Old] = to
	}
	for old, to := range here {
		if before, ok := r.all[old]; ok && before != to {
			return fmt.Errorf("conflicting replacements of %s: %s and %s", old.Path, before.dir, to.dir)
		}
		r.all[old] = to
		if work {
			r.byWork[old.Path] = true
		}
	}
	return nil
}

// of is the replacement of a module: a directive for its version comes before one for
// all versions (modload.Replacement).
func (r *replacements) of(mod module.Version) (replacement, bool) {
	if to, ok := r.all[mod]; ok {
		return to, true
	}
	to, ok := r.all[module.Version{Path: mod.Path}]
	return to, ok
}

// follow reads the modules that are replaced by directories; a workspace module is
// replaced by none. The go.mod of one may require another, or ask for a version that
// another directive holds for, so that this ends when a round finds nothing new.
func (m *modules) follow(t *tree, list *replacements) error {
	done := map[string]bool{}
	for _, mod := range m.own {
		done[mod.path] = true
	}
	for again := true; again; {
		again = false
		for _, name := range slices.Sorted(maps.Keys(m.required)) {
			to, ok := list.of(module.Version{Path: name, Version: m.required[name]})
			if done[name] || !ok || to.version != "" {
				continue
			}
			done[name], again = true, true
			if _, err := m.readMod(t, to.dir, true); errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%s is replaced by %s, which has no go.mod: %w", name, to.dir, err)
			} else if err != nil {
				return fmt.Errorf("%s is replaced by %s: %w", name, to.dir, err)
			}
			m.own = append(m.own, ownModule{path: name, dir: to.dir, replaced: true, whole: published(m.required[name])})
		}
	}
	return nil
}

func (m *modules) replaced() []string {
	var dirs []string
	for _, mod := range m.own {
		if mod.replaced {
			dirs = append(dirs, mod.dir)
		}
	}
	return sorted(dirs)
}

// published says whether a module may require this version of another. The versions that
// go mod edit and go mod tidy write for a module that only its replacement provides are
// none: had a third-party module asked for a later one, go.mod would name that.
func published(version string) bool {
	return version != "v0.0.0" && version != "v0.0.0-00010101000000-000000000000"
}

// wholeFiles are the files, tests apart, of modules that third-party packages may import from:
// which packages they need is not known without their sources.
func (m *modules) wholeFiles(t *tree) ([]string, error) {
	var files []string
	for _, mod := range m.own {
		if !mod.whole && (mod.replaced || !published(cmp.Or(m.required[mod.path], "v0.0.0"))) {
			continue
		}
		found, err := t.walk(mod.dir, true)
		if err != nil {
			return nil, fmt.Errorf("listing module %s, which third-party packages may import: %w", mod.path, err)
		}
		files = append(files, found...)
	}
	return slices.DeleteFunc(files, func(name string) bool { return strings.HasSuffix(name, "_test.go") }), nil
}
