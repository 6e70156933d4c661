package llbgen

import (
	"strings"
	"time"

	"github.com/moby/buildkit/client/llb"
)

// normalMode is chmod's way to say plan.NormalMode: only execute bits survive.
const normalMode = "a-st,u=rwX,go=rX"

// sourceTime is the time of all files of the normalised build context. It is far in the
// future since the go command keys its index of a package by the files' times and
// sizes, in the cache that builds share, and indexes nothing that is younger than now: with
// a time in the past, an edit that keeps a file's size would go unseen
// (cmd/go/internal/modindex, dirHash). Files of the image get the plan's epoch.
var sourceTime = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// Sources is the build context as the vertices of a plan see it. Facts read it there too, so
// that they cannot see what a build would not.
func Sources(o Options) llb.State { return (&graph{Options: o}).sources() }

// sources is the build context with fixed modes, owner and times. File modes are part
// of BuildKit's content keys, so without it a checkout under another umask would miss
// every cache. It also applies an ignore file where the client could not.
func (g *graph) sources() llb.State {
	return g.hooked(llb.Scratch().File(llb.Copy(g.Context, "/", "/", g.normalised(nil)), g.sourceVertex("normalise the build context")...))
}

// hooked adds the start-up hooks to the sources. The go command could take them from beside
// the sources (-overlay), but leaves out in silence what it finds no place for.
func (g *graph) hooked(sources llb.State) llb.State {
	for _, c := range g.plan.Compiles {
		if c.Hook != nil {
			sources = sources.File(llb.Mkfile(rooted(c.Hook.Path), 0o644, []byte(c.Hook.Content), llb.WithCreatedTime(sourceTime)),
				g.sourceVertex("add the start-up hook of "+c.Name)...)
		}
	}
	return sources
}

// code is the part of the build context that a unit's packages are in, normalised: other
// files of it key nothing.
func (g *graph) code(u unit) llb.State {
	l := u.Listing
	if g.CodeExact {
		l = Listing{} // to match each file with each pattern takes time
	}
	return g.hooked(g.selected(l, "normalise the service's sources"))
}

// codeContext is the context that holds the files of listings.
func (g *graph) codeContext() llb.State {
	if g.Code.Output() != nil {
		return g.Code
	}
	return g.Context
}

// normalised is the copy that normalises what the patterns choose, or all of it.
func (g *graph) normalised(include []string) *llb.CopyInfo {
	return &llb.CopyInfo{
		CopyDirContentsOnly: true,
		IncludePatterns:     include,
		ExcludePatterns:     g.Excludes,
		Mode:                &llb.ChmodOpt{ModeStr: normalMode},
		ChownOpt:            rootOwner(),
		CreatedTime:         &sourceTime,
	}
}

// sourceVertex is about for the vertices that only sort out files of the context; they
// show as one. Their files are in every build's context: no cache has to hold them.
func (g *graph) sourceVertex(name string) []llb.ConstraintsOpt {
	return append(g.shared(name), llb.WithoutExportCache(), llb.ProgressGroup("plimsoll-sources", "prepare sources", false))
}

// Patterns choose the files of a listing.
func (l Listing) Patterns() []string {
	var all []string
	for _, f := range l.Files {
		all = append(all, Pattern(f))
	}
	if l.Vendor != "" {
		all = append(all, Pattern(l.Vendor))
	}
	return all
}

// Pattern is the pattern that matches one path (and what is below it): characters with a
// meaning in patterns are escaped.
func Pattern(name string) string {
	if !strings.ContainsAny(name, `*?[]\^!`) {
		return name
	}
	var b strings.Builder
	for _, r := range name {
		if strings.ContainsRune(`*?[]\^+(){}|!`, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// selected is a part of the build context, normalised.
func (g *graph) selected(l Listing, name string) llb.State {
	return llb.Scratch().File(llb.Copy(g.codeContext(), "/", "/", g.normalised(l.Patterns())), g.sourceVertex(name)...)
}

func rootOwner() *llb.ChownOpt {
	return &llb.ChownOpt{User: &llb.UserOpt{UID: 0}, Group: &llb.UserOpt{UID: 0}}
}

// thenCopy is a copy after action, or the first of a chain.
func thenCopy(action *llb.FileAction, from llb.CopyInput, src, dest string, opts ...llb.CopyOption) *llb.FileAction {
	if action == nil {
		return llb.Copy(from, src, dest, opts...)
	}
	return action.Copy(from, src, dest, opts...)
}
