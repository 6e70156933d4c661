package llbgen

import (
	"go/version"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/plimsoll-build/plimsoll/internal/cacheprog"
	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// laterFlags stands for the linker's flags where the go command must not know them.
const laterFlags = "-X=plimsoll.build/cacheprog.flags=later"

// stamps reports whether a unit's binaries are linked where its own packages are compiled, with
// placeholders, and stamped without the go command, which would load all packages once more,
// read all their sources and link. How that is done is known of the releases of official
// toolchains, without experiments.
func (g *graph) stamps(u unit) bool {
	experiment := func(kv string) bool { return strings.HasPrefix(kv, "GOEXPERIMENT=") && kv != "GOEXPERIMENT=" }
	return !u.small() && !u.alone() && g.GoRoot != "" && !slices.ContainsFunc(u.Env, experiment) &&
		slices.Contains(cacheprog.Stamps, version.Lang("go"+g.plan.Go))
}

// unstamped is a binary that was linked with placeholders, in a directory with what stamp has to
// know of it; ok is false where the go command links it.
func (g *graph) unstamped(c plan.Compile) (binary llb.State, ok bool, err error) {
	u, ok := g.unit(c)
	if !ok || !g.stamps(u) {
		return llb.State{}, false, nil
	}
	s, err := g.compiled(u)
	if err != nil {
		return llb.State{}, false, err
	}
	all, err := g.linked(u, s)
	return all[c.Name], true, err
}

// linked compiles a unit's own packages on the stock, and links its binaries with placeholders. It
// returns the binaries by name, each in a directory of its own.
func (g *graph) linked(u unit, s stock) (map[string]llb.State, error) {
	wanted := map[string][]cacheprog.Binary{}
	for _, c := range u.binaries {
		if _, err := plan.Argv(plan.Link, c, plan.Paths{}); err != nil {
			return nil, err // what the go command cannot take, it does not link elsewhere either
		}
		main := g.Listings[c.Name].Main
		wanted[main] = append(wanted[main], cacheprog.Unstamped(linkedFor(c), plan.LinkerFlags(c)))
	}
	argv := plan.MainsArgv(u.Compile, u.mains, cacheProg+" tool -ldflags "+laterFlags, laterFlags)
	env := g.compileEnv(u.Compile)
	env[cacheprog.BinariesVariable] = cacheprog.Binaries(wanted)
	about := g.about("compile the service's own packages and link them")
	for _, c := range u.binaries {
		about = append(about, g.Locations[CompileLocation(c.Name)]...)
	}
	opts := slices.Concat(s.moduleMount(), s.partMounts(), g.serve(env, s, g.warm()), runOptions(about), []llb.RunOption{
		llb.AddMount(sourceDir, s.sources, llb.Readonly),
		llb.AddMount(buildCache, llb.Scratch(), llb.ForceNoOutput), // all that reads it has run
	})
	run := g.run(g.goRoot(), argv, env, u.Dir, pb.NetMode_NONE, opts)
	out := map[string]llb.State{}
	for _, c := range u.binaries {
		out[c.Name] = run.AddMount(linkedFor(c), llb.Scratch())
	}
	return out, nil
}

func linkedFor(c plan.Compile) string { return linkedDir + "/" + c.Name }

// stamp is the vertex that makes of a binary with placeholders what the go command would make, at
// a path of below, with a time in seconds since 1970. What is below is not told by its files: it
// may be the same in other layers, and these would be the image's.
func (g *graph) stamp(c plan.Compile, linked, below llb.State, file string, at int64, about []llb.ConstraintsOpt) llb.State {
	argv := []string{"/" + cacheProgName, "stamp", "-dir", linkedDir, "-out", outDir + file, "-time", strconv.FormatInt(at, 10), "--"}
	opts := append(runOptions(about), llb.AddMount(linkedDir, linked, llb.Readonly, llb.ContentCache(llb.MountContentCacheOff)))
	run := g.run(g.cacheProgram().program, append(argv, plan.LinkerFlags(c)...), nil, ".", pb.NetMode_NONE, opts)
	return run.AddMount(outDir, below, llb.ContentCache(llb.MountContentCacheOff))
}

// linking is about for a vertex that writes the image's binary. It is in the image's layer already:
// a cache need not hold it twice.
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
