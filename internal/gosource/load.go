package gosource

import (
	"context"
	"fmt"
	"go/build"
	"io/fs"
	"maps"
	"path"
	"slices"

	"golang.org/x/sync/errgroup"
)

// parallel is how many packages are read at once: each file is a round trip when the
// tree is behind BuildKit's gateway.
const parallel = 16

// pkg is one package whose sources are in the tree.
type pkg struct {
	dir      string
	vendored bool
	files    []string
	local    []string // imports whose sources are in the tree
	deps     []string // imports of third-party packages
	std      []string
}

// loader loads packages level by level along their imports.
type loader struct {
	tree   *tree
	mods   *modules
	target build.Context
	// experimentsKnown says that the target's goexperiment tags are those of its toolchain.
	experimentsKnown bool
	packages         map[string]*pkg
}

// mains are the import paths of the main packages that a request names.
func (l *loader) mains(r Request) ([]string, error) {
	var own ownModule
	for _, mod := range l.mods.own {
		if !mod.replaced && mod.dir == path.Clean(r.Dir) {
			own = mod
		}
	}
	if own.path == "" {
		return nil, fmt.Errorf("listing packages: module directory %s is not in %s", r.Dir, r.Work)
	}
	var mains []string
	for _, name := range r.Packages {
		if name = path.Clean(name); !fs.ValidPath(name) {
			return nil, fmt.Errorf("listing packages: %s is not below the module directory", name)
		}
		mains = append(mains, path.Join(own.path, name))
	}
	return sorted(mains), nil
}

// load loads packages and, level by level, what they import.
func (l *loader) load(ctx context.Context, names []string) error {
	for level := names; len(level) > 0; {
		found := make([]*pkg, len(level))
		errs := make([]error, len(level))
		var g errgroup.Group
		g.SetLimit(parallel)
		for i, name := range level {
			g.Go(func() error {
				found[i], errs[i] = l.read(name)
				return nil
			})
		}
		_ = g.Wait()
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("listing packages: %w", err)
		}
		// The first by name, not the first in time: the same tree gives the same error.
		for i, err := range errs {
			if err != nil {
				return fmt.Errorf("listing package %s: %w", level[i], err)
			}
		}
		next := map[string]bool{}
		for i, p := range found {
			l.packages[level[i]] = p
		}
		for _, p := range found {
			for _, name := range p.local {
				next[name] = l.packages[name] == nil
			}
		}
		maps.DeleteFunc(next, func(_ string, wanted bool) bool { return !wanted })
		level = slices.Sorted(maps.Keys(next))
	}
	return nil
}

// read reads one package whose sources are in the tree.
func (l *loader) read(name string) (*pkg, error) {
	p := &pkg{}
	var err error
	if p.dir, err = l.mods.ownDir(l.tree, name); err != nil {
		return nil, err
	}
	if p.dir == "" {
		if l.mods.vendor == "" || l.mods.missing(name) {
			return nil, fmt.Errorf("no Go files where its module has it: %w", fs.ErrNotExist)
		}
		p.dir, p.vendored = path.Join(l.mods.vendor, name), true
	}
	b, err := l.scan(p.dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.dir, err)
	}
	for _, list := range [][]string{b.GoFiles, b.CFiles, b.CXXFiles, b.MFiles, b.HFiles, b.FFiles, b.SFiles, b.SwigFiles, b.SwigCXXFiles, b.SysoFiles} {
		for _, file := range list {
			p.files = append(p.files, path.Join(p.dir, file))
		}
	}
	embedded, err := l.tree.embedded(p.dir, b.EmbedPatterns)
	if err != nil {
		return nil, err
	}
	p.files = append(p.files, embedded...)
	if len(b.SFiles) > 0 {
		if err := l.includes(p, slices.Concat(b.SFiles, b.HFiles)); err != nil {
			return nil, err
		}
	}
	return p, l.sort(p, b.Imports)
}

// sort sorts imports by where they lead.
func (l *loader) sort(p *pkg, imports []string) error {
	for _, name := range imports {
		if name == "C" {
			continue
		}
		dir, err := l.mods.ownDir(l.tree, name)
		if err != nil {
			return err
		}
		switch {
		case dir != "" || l.mods.missing(name):
			p.local = append(p.local, name)
		case !l.mods.thirdParty(name):
			p.std = append(p.std, name)
		default:
			p.deps = append(p.deps, name)
			if l.mods.vendor != "" {
				p.local = append(p.local, name)
			}
		}
	}
	return nil
}

// order are the own packages, dependencies first.
func (l *loader) order(mains []string) []string {
	var out []string
	seen := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		p := l.packages[name]
		if seen[name] {
			return
		}
		seen[name] = true
		for _, next := range sorted(slices.Clone(p.local)) {
			visit(next)
		}
		if !p.vendored {
			out = append(out, name)
		}
	}
	for _, name := range mains {
		visit(name)
	}
	return out
}
