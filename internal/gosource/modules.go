package gosource

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// ownModule is a module whose sources are in the tree.
type ownModule struct {
	path, dir string
	replaced  bool // by a directory, rather than a main or workspace module
	whole     bool // third-party packages may import any package of it
}

// modules says where import paths lead.
type modules struct {
	own      []ownModule       // longest path first
	required map[string]string // third-party module paths, to the highest version named
	files    []string          // go.mod, go.sum, go.work, go.work.sum
	vendor   string            // the vendor directory, if vendored
}

// readModules reads go.work, if one is in use, and the go.mod of each own module.
func readModules(t *tree, r Request) (*modules, error) {
	m := &modules{required: map[string]string{}}
	dirs, root := []string{path.Clean(r.Dir)}, path.Clean(r.Dir)
	replaced := &replacements{map[string]bool{}, map[module.Version]replacement{}}
	if r.Work != "" && r.Work != "off" {
		root = path.Dir(r.Work)
		work, err := m.readWork(t, r.Work)
		if err != nil {
			return nil, err
		}
		dirs = nil
		for _, use := range work.Use {
			dirs = append(dirs, path.Join(root, use.Path))
		}
		if err := replaced.add(root, work.Replace, true); err != nil {
			return nil, fmt.Errorf("%s: %w", r.Work, err)
		}
	}
	for _, dir := range dirs {
		f, err := m.readMod(t, dir, false)
		if err != nil {
			return nil, err
		}
		if err := replaced.add(dir, f.Replace, false); err != nil {
			return nil, fmt.Errorf("%s: %w", path.Join(dir, "go.mod"), err)
		}
	}
	if r.Vendored {
		m.vendor = path.Join(root, "vendor")
	} else if err := m.follow(t, replaced); err != nil {
		return nil, err
	}
	slices.SortStableFunc(m.own, func(a, b ownModule) int { return len(b.path) - len(a.path) })
	return m, nil
}

func (m *modules) readWork(t *tree, name string) (*modfile.WorkFile, error) {
	data, err := t.readFile(name)
	if err != nil {
		return nil, err
	}
	work, err := modfile.ParseWork(name, data, nil)
	if err != nil {
		return nil, fmt.Errorf("reading workspace: %w", err)
	}
	m.files = append(m.files, name)
	return work, m.addIfThere(t, name+".sum")
}

// readMod reads the go.mod of one own module, and notes its go.sum.
func (m *modules) readMod(t *tree, dir string, replaced bool) (*modfile.File, error) {
	name := path.Join(dir, "go.mod")
	data, err := t.readFile(name)
	if err != nil {
		return nil, err
	}
	f, err := modfile.ParseLax(name, data, nil)
	if !replaced {
		f, err = modfile.Parse(name, data, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("reading module: %w", err)
	}
	if f.Module == nil {
		return nil, fmt.Errorf("reading module: %s has no module line", name)
	}
	for _, req := range f.Require {
		if semver.Compare(req.Mod.Version, m.required[req.Mod.Path]) >= 0 {
			m.required[req.Mod.Path] = req.Mod.Version
		}
	}
	m.files = append(m.files, name)
	if replaced {
		return f, nil
	}
	m.own = append(m.own, ownModule{path: f.Module.Mod.Path, dir: dir})
	return f, m.addIfThere(t, path.Join(dir, "go.sum"))
}

func (m *modules) addIfThere(t *tree, name string) error {
	found, err := t.isFile(name)
	if found {
		m.files = append(m.files, name)
	}
	return err
}

// below says whether an import path is a module's path or below it.
func below(name, module string) bool {
	return name == module || strings.HasPrefix(name, module+"/")
}

// ownDir is the directory of an own package, or empty if no own module holds it. The
// module is the one whose directory has Go files; two are an error, as they are to the
// go command (modload.importFromFiles).
func (m *modules) ownDir(t *tree, name string) (string, error) {
	found := ""
	for _, mod := range m.own {
		if !below(name, mod.path) {
			continue
		}
		dir := path.Join(mod.dir, strings.TrimPrefix(name[len(mod.path):], "/"))
		ok, err := holds(t, mod.dir, dir)
		if err != nil {
			return "", err
		}
		if ok && found != "" && found != dir {
			return "", fmt.Errorf("ambiguous import: both %s and %s hold %s", found, dir, name)
		}
		if ok {
			found = dir
		}
	}
	return found, nil
}

// holds says whether a directory has Go files and belongs to the module at root: no
// go.mod lies between.
func holds(t *tree, root, dir string) (bool, error) {
	entries, err := t.readDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for d := dir; d != root && d != "."; d = path.Dir(d) {
		if nested, err := t.isFile(path.Join(d, "go.mod")); nested || err != nil {
			return false, err
		}
	}
	for name := range entries {
		if strings.HasSuffix(name, ".go") {
			return true, nil
		}
	}
	return false, nil
}

// thirdParty says whether an import path that no own module holds is of a required
// module rather than of the standard library, whose first elements have no dot.
func (m *modules) thirdParty(name string) bool {
	for mod := range m.required {
		if below(name, mod) {
			return true
		}
	}
	first, _, _ := strings.Cut(name, "/")
	return strings.Contains(first, ".")
}

// missing says that an import path ought to be in an own module: one has a prefix of
// it, and no required module has a longer one.
func (m *modules) missing(name string) bool {
	for _, mod := range m.own {
		if below(name, mod.path) {
			for req := range m.required {
				if below(name, req) && len(req) > len(mod.path) {
					return false
				}
			}
			return true
		}
	}
	return false
}
