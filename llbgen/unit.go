package llbgen

import (
	"go/version"
	"path"
	"slices"

	"github.com/plimsoll-build/plimsoll/internal/cacheprog"
	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// unit is the binaries of a plan that share compiled packages, since the same flags,
// environment and module compile them.
type unit struct {
	plan.Compile // the first of them; only what they share is used
	Listing      // of all of them together
	mains        []string
	binaries     []plan.Compile
}

// served is the first Go whose build cache another program can serve (GOCACHEPROG).
const served = "go1.24"

// unit finds the unit of a binary; ok is false for a binary without a listing, and for one
// that is not small and whose Go is too old: they are compiled in a single vertex.
func (g *graph) unit(c plan.Compile) (u unit, ok bool) {
	u, ok = g.unitOf(c)
	return u, ok && (u.small() || version.Compare("go"+g.plan.Go, served) >= 0)
}

func (g *graph) unitOf(c plan.Compile) (u unit, ok bool) {
	own, ok := g.Listings[c.Name]
	if !ok {
		return unit{}, false
	}
	for _, other := range g.plan.Compiles {
		l, listed := g.Listings[other.Name]
		if !listed || !shareable(c, own, other, l) {
			continue
		}
		if u.mains == nil {
			u.Compile, u.Listing = other, Listing{Vendor: l.Vendor, Profile: l.Profile}
		}
		u.mains, u.binaries = append(u.mains, other.Package), append(u.binaries, other)
		u.Files = append(u.Files, l.Files...)
		u.Deps = append(u.Deps, l.Deps...)
		u.Shared = append(u.Shared, l.Shared...)
		u.Std = append(u.Std, l.Std...)
	}
	for _, list := range []*[]string{&u.Files, &u.Deps, &u.Shared, &u.Std, &u.mains} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return u, true
}

// small reports whether a service is compiled in a few seconds. The program that serves the
// build cache would take longer to compile than it saves.
func (u unit) small() bool { return len(u.Deps) == 0 && !slices.Contains(u.Std, "net/http") }

// alone reports whether the go command compiles the service's own packages and links in one run:
// nothing of the one binary is known at link time only.
func (u unit) alone() bool {
	flags := plan.LinkerFlags(u.Compile)
	for i := range flags {
		if _, stamped := cacheprog.Assignment(flags, i); stamped {
			return false
		}
	}
	return len(u.binaries) == 1
}

// shareable reports whether two binaries share compiled packages. A profile is part of the
// key of every package below its main package, so that one shares nothing.
func shareable(a plan.Compile, la Listing, b plan.Compile, lb Listing) bool {
	if a.Name == b.Name {
		return true
	}
	return la.Profile == "" && lb.Profile == "" && a.Dir == b.Dir && a.Work == b.Work &&
		slices.Equal(a.Flags, b.Flags) && slices.Equal(a.Tags, b.Tags) && slices.Equal(a.Env, b.Env)
}

// moduleFiles are the files of a listing that say which modules there are.
func (l Listing) moduleFiles() []string {
	var files []string
	for _, f := range l.Files {
		if slices.Contains([]string{"go.mod", "go.sum", "go.work", "go.work.sum"}, path.Base(f)) {
			files = append(files, f)
		}
	}
	return files
}
