package gosource

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// ownModule is a module whose sources are in the tree.
type ownModule struct {
	path, dir string
	replaced  bool // by a directory, rather than a main or workspace module
}

// modules says where import paths lead.
type modules struct {
	own      []ownModule       // longest path first
	required map[string]string // third-party module paths, to the highest version named
	files    []string          // go.mod, go.sum, go.work, go.work.sum
	vendor   string            // the vendor directory, if vendored
}

// replacement is a replace directive that names a directory.
type replacement struct {
	path, version string // version is empty if it holds for all
	dir           string
}

// readModules reads go.work, if one is in use, and the go.mod of each own module.
func readModules(t *tree, r Request) (*modules, error) {
	m := &modules{required: map[string]string{}}
	dirs, root := []string{path.Clean(r.Dir)}, path.Clean(r.Dir)
	var replaced []replacement
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
		replaced = directories(root, work.Replace)
	}
	for _, dir := range dirs {
		f, err := m.readMod(t, dir, false)
		if err != nil {
			return nil, err
		}
		replaced = append(replaced, directories(dir, f.Replace)...)
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

// directories are the replace directives of a file in base that name a directory.
func directories(base string, list []*modfile.Replace) []replacement {
	var out []replacement
	for _, r := range list {
		if r.New.Version == "" {
			out = append(out, replacement{r.Old.Path, r.Old.Version, path.Join(base, r.New.Path)})
			if path.IsAbs(r.New.Path) {
				out[len(out)-1].dir = r.New.Path
			}
		}
	}
	return out
}

// follow reads the modules that are replaced by directories. The first directive for a
// path wins, so that go.work comes before go.mod; a workspace module is replaced by
// none. One whose go.mod requires another is followed before the other is looked at
// again, since a directive may hold for a version that only it asks for.
func (m *modules) follow(t *tree, list []replacement) error {
	done := map[string]bool{}
	for _, mod := range m.own {
		done[mod.path] = true
	}
	for again := true; again; {
		again = false
		for _, r := range list {
			version, required := m.required[r.path]
			if done[r.path] || !required || r.version != "" && r.version != version {
				continue
			}
			done[r.path], again = true, true
			if _, err := m.readMod(t, r.dir, true); errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%s is replaced by %s, which has no go.mod: %w", r.path, r.dir, err)
			} else if err != nil {
				return fmt.Errorf("%s is replaced by %s: %w", r.path, r.dir, err)
			}
			m.own = append(m.own, ownModule{r.path, r.dir, true})
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

// below says whether an import path is a module's path or below it.
func below(name, module string) bool {
	return name == module || strings.HasPrefix(name, module+"/")
}

// ownDir is the directory of an own package, or empty if no own module holds it. The
// longest module path wins whose directory has Go files (modload.importFromFiles).
func (m *modules) ownDir(t *tree, name string) (string, error) {
	for _, mod := range m.own {
		if !below(name, mod.path) {
			continue
		}
		dir := path.Join(mod.dir, strings.TrimPrefix(name[len(mod.path):], "/"))
		if ok, err := holds(t, mod.dir, dir); ok || err != nil {
			return dir, err
		}
	}
	return "", nil
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
