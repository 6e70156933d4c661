package llbgen

import (
	"go/version"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/plimsoll-build/plimsoll/internal/cacheprog"
	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// laterFlags stands for the linker's flags where they must not be a key.
const laterFlags = "-X=plimsoll.build/cacheprog.flags=later"

// relinks reports whether a unit's binaries are linked without the go command, which would load
// all packages once more and read all their sources. How that is done is known of the releases
// of official toolchains, without experiments.
func (g *graph) relinks(u unit) bool {
	experiment := func(kv string) bool { return strings.HasPrefix(kv, "GOEXPERIMENT=") && kv != "GOEXPERIMENT=" }
	return !u.small() && !u.alone() && g.GoRoot != "" && !slices.ContainsFunc(u.Env, experiment) &&
		slices.Contains(cacheprog.Links, version.Lang("go"+g.plan.Go))
}

// relink is the vertex that writes a binary as the go command would, from what was written
// down when all packages were compiled. It needs no sources, no modules and no compiler.
func (g *graph) relink(c plan.Compile, s stock) (llb.State, error) {
	if _, err := plan.Argv(plan.Link, c, plan.Paths{}); err != nil {
		return llb.State{}, err // what the go command cannot take, it does not link elsewhere either
	}
	argv := []string{cacheProg, "link", "-dir", buildCache, "-name", g.Listings[c.Name].Main, "-out", outDir + "/" + c.Name, "--"}
	last := len(s.caches) - 1
	opts := []llb.RunOption{
		g.programMount(), llb.With(llb.Dir(outDir)),
		llb.AddMount(buildCache, s.caches[last], llb.Readonly, llb.ContentCache(llb.MountContentCacheOff)),
	}
	s.caches = s.caches[:last]
	opts = append(append(opts, s.partMounts()...), runOptions(g.linking(c, "link "+c.Name))...)
	run := g.run(g.linker(), append(argv, plan.LinkerFlags(c)...), map[string]string{"TMPDIR": tempDir}, ".", pb.NetMode_NONE, opts)
	return run.AddMount(outDir, llb.Scratch()), nil
}

// linking is about for a vertex that writes a binary. It is in the image's layer already: a
// cache need not hold it twice.
func (g *graph) linking(c plan.Compile, name string) []llb.ConstraintsOpt {
	about := append(g.about(name), llb.WithoutExportCache())
	return append(about, g.Locations[CompileLocation(c.Name)]...)
}

// link is the vertex that writes a binary. Where all packages are compiled already, what is
// known at link time only (the stamp) compiles nothing: -v would name the packages.
func (g *graph) link(c plan.Compile, s stock) (llb.State, error) {
	argv, err := plan.Argv(plan.Link, c, plan.Paths{Context: sourceDir, Out: outDir + "/" + c.Name, Verbose: s.whole})
	if err != nil {
		return llb.State{}, err
	}
	env := g.compileEnv(c)
	opts := append(s.moduleMount(),
		llb.AddMount(sourceDir, s.sources, llb.Readonly),
		llb.AddMount(buildCache, s.below(), llb.ForceNoOutput, llb.ContentCache(llb.MountContentCacheOff)))
	name, warm := "link "+c.Name, llb.RunOption(nil)
	if !s.whole {
		name, warm = "compile the service's own packages and link "+c.Name, g.warm()
	}
	if s.served {
		opts = append(append(opts, g.serve(env, s, warm)...), s.partMounts()...)
	}
	run := g.run(g.goRoot(), argv, env, c.Dir, pb.NetMode_NONE, append(opts, runOptions(g.linking(c, name))...))
	return run.AddMount(outDir, llb.Scratch()), nil
}

// simple compiles and links in one vertex, from the whole build context.
func (g *graph) simple(c plan.Compile) (llb.State, error) {
	argv, err := plan.Argv(plan.Link, c, plan.Paths{Context: sourceDir, Out: outDir + "/" + c.Name})
	if err != nil {
		return llb.State{}, err
	}
	var s stock
	if cache, ok, err := g.modules(c); err != nil {
		return llb.State{}, err
	} else if ok {
		s.modules = &cache
	}
	opts := append(s.moduleMount(),
		llb.AddMount(sourceDir, g.sources(), llb.Readonly),
		llb.AddMount(buildCache, llb.Scratch(), llb.AsPersistentCacheDir(g.CacheID, llb.CacheMountShared)))
	about := append(g.about("compile "+c.Name+" with go"+g.plan.Go), g.Locations[CompileLocation(c.Name)]...)
	run := g.run(g.goRoot(), argv, g.compileEnv(c), c.Dir, pb.NetMode_NONE, append(opts, runOptions(about)...))
	return run.AddMount(outDir, llb.Scratch()), nil
}
