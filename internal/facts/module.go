package facts

import (
	"errors"
	"fmt"
	"go/build"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/mod/modfile"
)

// moduleError is a problem of the user's source, told apart from a failed read.
type moduleError struct{ rule, message string }

func (e *moduleError) Error() string { return e.message }

func problem(rule, format string, args ...any) error {
	return &moduleError{rule, fmt.Sprintf(format, args...)}
}

// readModule finds the module of a main package: the nearest go.mod at or above
// it, and the go.work at or above that, both inside the build context.
func readModule(src fs.FS, want Want, targets []ocispec.Platform) (Module, error) {
	main := path.Clean(want.Name)
	pkgs, err := readMain(src, main, want.Tags, targets)
	if err != nil {
		return Module{}, err
	}
	dir, ok, err := above(src, main, "go.mod")
	if err != nil {
		return Module{}, err
	}
	if !ok {
		return Module{}, problem("no-module", "there is no go.mod at or above %s inside the build context: is the context the module's root?", main)
	}
	tree := &moduleTree{src: src, dirs: map[string]bool{}, paths: map[string]bool{}}
	mod, err := tree.add(dir)
	if err != nil {
		return Module{}, err
	}
	m := Module{Path: mod.Module.Mod.Path, Dir: dir, Work: "off", GoLine: "1.16", Godebug: map[string]string{}}
	m.lines(mod.Go, mod.Toolchain, mod.Godebug)
	if err := m.workspace(tree); err != nil {
		return Module{}, err
	}
	m.main(pkgs)
	root := dir
	if m.Work != "off" {
		root = path.Dir(m.Work)
	}
	if m.Vendored, err = exists(src, path.Join(root, "vendor/modules.txt")); err != nil || m.Vendored {
		return m, err
	}
	m.Files, err = tree.files(m.Work)
	return m, err
}

// lines takes over what a go.mod or go.work says about Go itself.
func (m *Module) lines(goLine *modfile.Go, toolchain *modfile.Toolchain, godebug []*modfile.Godebug) {
	if goLine != nil {
		m.GoLine = goLine.Version
	}
	if toolchain != nil {
		m.Toolchain = strings.TrimPrefix(toolchain.Name, "go")
	}
	for _, g := range godebug {
		m.Godebug[g.Key] = g.Value
	}
}

// main takes over what the main package, as each platform sees it, says.
func (m *Module) main(pkgs []*build.Package) {
	m.Directives = map[string]string{}
	for i, pkg := range pkgs {
		lines := directives(pkg)
		if i == 0 {
			m.MainFiles = slices.Concat(pkg.GoFiles, pkg.IgnoredGoFiles)
			maps.Copy(m.Godebug, lines)
			maps.Copy(m.Directives, lines)
		}
		for _, one := range []map[string]string{lines, m.Directives} {
			for key := range one {
				if m.Directives[key] != lines[key] {
					m.Directives[key] = ""
				}
			}
		}
	}
}

// directives are the //go:debug lines of a package, as cmd/go/internal/load reads them.
func directives(pkg *build.Package) map[string]string {
	lines := map[string]string{}
	for _, d := range pkg.Directives {
		setting, ok := strings.CutPrefix(d.Text, "//go:debug")
		if key, value, found := strings.Cut(strings.TrimSpace(setting), "="); ok && found && strings.TrimLeft(setting, " \t") != setting {
			lines[key] = value
		}
	}
	return lines
}

// workspace looks for the go.work of a module and reads it. In a workspace its go,
// toolchain and godebug lines count, not the module's (cmd/go/internal/modload).
func (m *Module) workspace(tree *moduleTree) error {
	dir, ok, err := above(tree.src, m.Dir, "go.work")
	if err != nil || !ok {
		return err
	}
	file := path.Join(dir, "go.work")
	data, err := fs.ReadFile(tree.src, file)
	if err != nil {
		return err
	}
	work, err := modfile.ParseWork(file, data, nil)
	if err != nil {
		return problem("bad-go-work", "%v", err)
	}
	used := false
	for _, use := range work.Use {
		usedDir := path.Join(dir, use.Path)
		if err := inside(usedDir, file, "use "+use.Path); err != nil {
			return err
		}
		used = used || usedDir == m.Dir
		if _, err := tree.add(usedDir); err != nil {
			return err
		}
	}
	if !used {
		return problem("not-in-workspace", "module %s is not used by %s, so the go command would not build it: add a use line, or keep %s out of the build context", m.Dir, file, file)
	}
	m.Work, m.GoLine, m.Toolchain, m.Godebug = file, "1.18", "", map[string]string{}
	m.lines(work.Go, work.Toolchain, work.Godebug)
	return tree.replacements(dir, file, work.Replace)
}

// above is the nearest directory at or above dir that holds the file.
func above(src fs.FS, dir, name string) (string, bool, error) {
	for {
		ok, err := exists(src, path.Join(dir, name))
		if ok || err != nil || dir == "." {
			return dir, ok, err
		}
		dir = path.Dir(dir)
	}
}

func exists(src fs.FS, name string) (bool, error) {
	info, err := fs.Stat(src, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && info.Mode().IsRegular(), err
}

// inside refuses a directory that a module file names outside the build context.
func inside(dir, file, line string) error {
	if !path.IsAbs(dir) && dir != ".." && !strings.HasPrefix(dir, "../") {
		return nil
	}
	if path.IsAbs(dir) {
		return problem("outside-context", "%s of %s is an absolute path, which no build context holds: make it relative, inside the context", line, file)
	}
	up := 0
	for rest := dir; rest == ".." || strings.HasPrefix(rest, "../"); up++ {
		rest = strings.TrimPrefix(strings.TrimPrefix(rest, ".."), "/")
	}
	context := strings.TrimSuffix(strings.Repeat("../", up), "/")
	return problem("outside-context", "%s of %s leaves the build context: build with the context %s (as seen from this one), and give build.main and all paths relative to it", line, file, context)
}

// moduleTree is every module in use that lies in the build context.
type moduleTree struct {
	src     fs.FS
	dirs    map[string]bool // read
	paths   map[string]bool // module paths that need no fetching
	require []string
}

// add reads a module and the local replacements that it names.
func (t *moduleTree) add(dir string) (*modfile.File, error) {
	file := path.Join(dir, "go.mod")
	data, err := fs.ReadFile(t.src, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, problem("no-module", "there is no %s in the build context", file)
	}
	if err != nil {
		return nil, err
	}
	mod, err := modfile.Parse(file, data, nil)
	if err != nil {
		return nil, problem("bad-go-mod", "%v", err)
	}
	if mod.Module == nil {
		return nil, problem("bad-go-mod", "%s has no module line", file)
	}
	if t.dirs[dir] {
		return mod, nil
	}
	t.dirs[dir] = true
	t.paths[mod.Module.Mod.Path] = true
	for _, r := range mod.Require {
		t.require = append(t.require, r.Mod.Path)
	}
	return mod, t.replacements(dir, file, mod.Replace)
}

func (t *moduleTree) replacements(dir, file string, replace []*modfile.Replace) error {
	for _, r := range replace {
		if !modfile.IsDirectoryPath(r.New.Path) {
			continue
		}
		local := path.Join(dir, r.New.Path)
		if path.IsAbs(r.New.Path) {
			local = r.New.Path
		}
		if err := inside(local, file, fmt.Sprintf("replace %s => %s", r.Old.Path, r.New.Path)); err != nil {
			return err
		}
		t.paths[r.Old.Path] = true
		if _, err := t.add(local); err != nil {
			return err
		}
	}
	return nil
}

// files are the module files that decide what is fetched; none if nothing is.
func (t *moduleTree) files(work string) ([]string, error) {
	if !slices.ContainsFunc(t.require, func(p string) bool { return !t.paths[p] }) {
		return nil, nil
	}
	var candidates []string
	for dir := range t.dirs {
		candidates = append(candidates, path.Join(dir, "go.mod"), path.Join(dir, "go.sum"))
	}
	if work != "off" {
		candidates = append(candidates, work, work+".sum")
	}
	slices.Sort(candidates)
	var files []string
	for _, name := range candidates {
		ok, err := exists(t.src, name)
		if err != nil {
			return nil, err
		}
		if ok {
			files = append(files, name)
		}
	}
	return files, nil
}
