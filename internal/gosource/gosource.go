// Package gosource lists what compiling the main packages of a Go service reads,
// from a file system alone: its own packages, their files, and the third-party
// packages they import. Two callers need that before any toolchain is at hand: the
// build graph, whose vertices are keyed by exactly these files, and the context
// transfer, which sends no others.
//
// It knows the go command's rules for finding files (build constraints, embedding,
// modules, workspaces, vendoring) and nothing of BuildKit, of images, or of the disk:
// the tree is any [fs.FS], and each directory and file of it is read once at most.
package gosource

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
)

// Request says which packages to list, and for which target. All paths are
// slash-separated and relative to the root of the file system.
type Request struct {
	Dir      string   // module directory; "." for the root
	Packages []string // main packages relative to Dir: ".", "./cmd/x"
	Work     string   // go.work, or "off"
	Vendored bool     // as with -mod=vendor
	Go       string   // exact toolchain version, such as "1.26.8": decides release tags
	Tags     []string // build tags
	Env      []string // KEY=VALUE: GOOS, GOARCH, GOAMD64 and so on, GOEXPERIMENT
}

// Listing is what compiling the packages of a [Request] reads. It is the same for the
// same tree, whatever the order in which the file system answers.
type Listing struct {
	// Own are the import paths of the service's own packages, dependencies first: those
	// of the main module, of workspace modules and of modules replaced by a directory.
	Own []string
	// Files are the sorted paths of all files that compiling Own reads, go.mod, go.sum
	// and go.work files among them. There may be more, where what is read cannot be
	// known for certain; there are never fewer.
	Files []string
	// Vendor is the same for vendored third-party packages, with vendor/modules.txt. It
	// is empty unless the request is Vendored.
	Vendor []string
	// Deps are the sorted import paths of third-party packages that Own imports directly.
	Deps []string
	// Std are the sorted standard packages that Own imports directly.
	Std []string
	// Profile is the default.pgo that -pgo=auto will use; empty if there is none, or if
	// the main packages do not agree on one.
	Profile string
	// Profiles are the sorted default.pgo files of all main packages. With several main
	// packages each compiles its dependencies with its own profile, or with none.
	Profiles []string
	// Symlinks are the sorted links that lead to a listed file. Files holds what they
	// lead to, not the paths through them.
	Symlinks []string
	// Replaced are the sorted directories of modules that replace directives name.
	Replaced []string
	// Shared are the sorted files of own modules that third-party packages may import
	// from, tests apart; Files has them too. Which of their packages are needed cannot be
	// known without the third-party sources, so that who compiles Deps apart from Own
	// needs all of these as well.
	Shared []string
}

// List lists what compiling the packages of r reads. An error names the file or
// package that could not be understood; a caller can fall back to the whole tree then,
// and let the go command report.
func List(ctx context.Context, src fs.FS, r Request) (Listing, error) {
	target, err := newTarget(r)
	if err != nil {
		return Listing{}, err
	}
	t := newTree(ctx, src)
	mods, err := readModules(t, r)
	if err != nil {
		return Listing{}, err
	}
	l := &loader{tree: t, mods: mods, target: target, packages: map[string]*pkg{}, experimentsKnown: len(target.ReleaseTags) == experimentsMinor}
	mains, err := l.mains(r)
	if err != nil {
		return Listing{}, err
	}
	if err := l.load(ctx, mains); err != nil {
		return Listing{}, err
	}
	return l.listing(r, mains)
}

// listing puts together what was loaded.
func (l *loader) listing(r Request, mains []string) (Listing, error) {
	out := Listing{Own: l.order(mains), Replaced: l.mods.replaced()}
	files := slices.Clone(l.mods.files)
	var vendor []string
	for _, name := range slices.Sorted(maps.Keys(l.packages)) {
		p := l.packages[name]
		if p.vendored {
			vendor = append(vendor, p.files...)
			continue
		}
		files = append(files, p.files...)
		out.Deps = append(out.Deps, p.deps...)
		out.Std = append(out.Std, p.std...)
	}
	for _, main := range mains {
		file := path.Join(l.packages[main].dir, "default.pgo")
		if found, err := l.tree.isFile(file); err != nil {
			return Listing{}, fmt.Errorf("looking for the profile of %s: %w", main, err)
		} else if found {
			out.Profiles = append(out.Profiles, file)
		}
	}
	files = append(files, out.Profiles...)
	if len(out.Deps) > 0 && !r.Vendored {
		shared, err := l.mods.wholeFiles(l.tree)
		if err != nil {
			return Listing{}, err
		}
		if out.Shared, err = l.tree.real(shared); err != nil {
			return Listing{}, err
		}
		files = append(files, shared...)
	}
	if len(out.Profiles) == 1 && len(mains) == 1 {
		out.Profile = out.Profiles[0]
	}
	if r.Vendored {
		vendor = append(vendor, path.Join(l.mods.vendor, "modules.txt"))
	}
	var err error
	if out.Files, err = l.tree.real(files); err != nil {
		return Listing{}, err
	}
	if out.Vendor, err = l.tree.real(vendor); err != nil {
		return Listing{}, err
	}
	out.Deps, out.Std, out.Profiles = sorted(out.Deps), sorted(out.Std), sorted(out.Profiles)
	out.Symlinks = l.tree.followed()
	return out, nil
}

// sorted is a list in order and without repetition.
func sorted(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
