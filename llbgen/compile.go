package llbgen

import (
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// noModulePackage is what the vertex of the dependencies compiles for a service that imports
// none: its module cache is wanted all the same, since modules that nothing imports may still
// be asked for their go.mod.
const noModulePackage = "errors"

// binary is a file system that holds the compile's binary at its root.
func (g *graph) binary(c plan.Compile) (llb.State, error) {
	if linked, ok, err := g.unstamped(c); err != nil {
		return llb.State{}, err
	} else if ok {
		// The copy into its layer sets the time.
		return g.stamp(c, linked, llb.Scratch(), "/"+c.Name, 0, g.linking(c, "stamp "+c.Name)), nil
	}
	u, ok := g.unit(c)
	if !ok {
		return g.simple(c)
	}
	s, err := g.compiled(u)
	if err != nil {
		return llb.State{}, err
	}
	if !u.alone() {
		g.compileOwn(u, &s)
	}
	return g.link(c, s)
}

// stock is what is at hand when a binary is compiled or linked.
type stock struct {
	sources llb.State
	modules *llb.State  // nil where none are fetched
	caches  []llb.State // Go's build cache, in parts
	served  bool        // by our program; else there is one part, on which the next one stands
	whole   bool        // nothing is left to compile
}

// compiled compiles a unit's packages: those of the standard library, those of other modules and
// most of a large service's own, each in a vertex after the one before, so that each runs again
// only if something changed that it reads.
func (g *graph) compiled(u unit) (stock, error) {
	s := stock{sources: g.code(u), served: !u.small()}
	if u.Profile == "" { // it is part of the key of every package: nothing to share
		c, packages := u.std(g.plan.Go)
		if len(packages.Paths) > 0 {
			step := compileStep{name: "compile the standard library"}
			if s.served && g.plan.Platform.Architecture == g.BuildPlatform.Architecture {
				packages := g.cacheProgram().packages // some of the same
				step.warm = llb.AddMount(warmCache, packages, llb.Readonly, llb.ContentCache(llb.MountContentCacheOff))
			}
			g.compile(&s, c, packages, step)
		}
	}
	if err := g.dependencies(u, &s); err != nil {
		return stock{}, err
	}
	if u.large() {
		g.seedOwn(u, &s)
	}
	return s, nil
}

// compileOwn compiles the service's own packages, for links by the go command.
func (g *graph) compileOwn(u unit, s *stock) {
	s.whole = true
	g.compile(s, u.Compile, plan.Packages{Paths: u.mains}, compileStep{
		name: "compile the service's own packages", warm: g.warm(),
		mounts: append(s.moduleMount(), llb.AddMount(sourceDir, s.sources, llb.Readonly)),
		about:  g.Locations[CompileLocation(u.Name)],
	})
}

// dependencies compiles the packages of other modules, and takes from the module cache
// what compiling read: the rest of it need not travel.
func (g *graph) dependencies(u unit, s *stock) error {
	ok := true
	var fetched, earlier llb.State
	var err error
	if u.fetchesAhead() {
		fetched, earlier, err = g.updatedModules(u.Compile)
	} else {
		fetched, ok, err = g.modules(u.Compile)
	}
	if err != nil || !ok && (u.Vendor == "" || u.small()) {
		return err
	}
	if u.small() {
		s.modules = &fetched
		return nil
	}
	packages := plan.Packages{Paths: u.Deps}
	files := slices.Concat(u.moduleFiles(), u.Shared)
	if len(u.Deps) == 0 {
		packages.Paths = []string{noModulePackage}
	}
	if u.Profile != "" {
		packages.Profile = sourceDir + rooted(u.Profile)
		files = append(files, u.Profile)
	}
	step := compileStep{name: "compile packages of other modules", prune: ok}
	switch {
	case u.updatable():
		g.seedDependencies(u, packages, files, earlier, s)
		step.warm, step.verbose = g.warm(), true
	case ok:
		step.itself, step.kin = true, g.kin(u)
	}
	if ok {
		step.mounts = []llb.RunOption{
			llb.AddMount(sourceDir, g.selected(Listing{Files: files}, "select module files"), llb.ForceNoOutput),
			llb.AddMount(moduleCache, fetched, llb.Readonly, llb.ContentCache(llb.MountContentCacheOff)),
		}
	} else {
		step.mounts = []llb.RunOption{llb.AddMount(sourceDir, g.selected(Listing{Files: files, Vendor: u.Vendor}, "select vendored packages"), llb.Readonly)}
	}
	g.compile(s, u.Compile, packages, step)
	return nil
}

// compileStep is one run of the go command that compiles and does not link.
type compileStep struct {
	name    string
	warm    llb.RunOption // what was compiled elsewhere, mounted at warmCache; used where the cache is served
	prune   bool          // take from the module cache what it read
	itself  bool          // the go command writes the cache, not our program
	kin     string        // unless a build of this name has been here; empty where none would help
	verbose bool          // the go command names what it compiles
	before  before        // what runs the go command, if it is not run as it is
	mounts  []llb.RunOption
	about   []llb.ConstraintsOpt
}

// compile is a vertex whose output is one more part of the build cache: the packages that
// the parts so far lack. With prune, what it read of the module cache is another.
func (g *graph) compile(s *stock, c plan.Compile, packages plan.Packages, step compileStep) {
	packages.Verbose = step.verbose
	var argv []string
	dir := c.Dir
	if packages.Standard {
		dir, c.Work = ".", "off"
	}
	env := g.compileEnv(c)
	opts := step.mounts
	switch {
	case step.prune || step.itself:
		argv = slices.Concat([]string{cacheProg, "list"}, step.lists(*s), []string{"--"}, plan.CompileArgv(c, packages))
	default:
		argv = silent(plan.CompileArgv(c, packages))
	}
	argv, dir = step.before.run(argv, dir)
	switch {
	case step.itself:
		// All of it is new, as a rule, and the way through our program costs a fifth of the time.
		opts = append(opts, g.programMount())
		if step.kin != "" {
			opts = append(opts, g.warm())
		}
	case s.served:
		opts = append(opts, g.serve(env, *s, step.warm)...)
	}
	opts = append(opts, s.partMounts()...)
	run := g.run(g.goRoot(), argv, env, dir, pb.NetMode_NONE, append(opts, runOptions(append(g.about(step.name), step.about...))...))
	if step.prune {
		pruned := run.AddMount(outDir, llb.Scratch())
		s.modules = &pruned
	}
	part := run.AddMount(buildCache, s.below(), llb.ContentCache(llb.MountContentCacheOff))
	if s.served {
		s.caches = append(slices.Clip(s.caches), part)
	} else {
		s.caches = []llb.State{part}
	}
}

// lists are the flags of our program for a step whose packages it has to see.
func (step compileStep) lists(s stock) []string {
	var flags []string
	if step.itself {
		flags = append([]string{"-dir", buildCache}, s.from()...)
	}
	if step.kin != "" {
		flags = append(flags, "-warm", warmCache, "-name", step.kin)
	}
	if step.prune {
		flags = append(flags, "-modcache", moduleCache, "-out", outDir)
	}
	return flags
}

// below is what the next part of the build cache is written on.
func (s stock) below() llb.State {
	if s.served || len(s.caches) == 0 {
		return llb.Scratch()
	}
	return s.caches[0]
}

// partMounts are the parts of a cache that our program serves. They do not stand on each
// other, so that a new machine unpacks them side by side.
func (s stock) partMounts() []llb.RunOption {
	var opts []llb.RunOption
	for i, part := range s.caches {
		if s.served {
			opts = append(opts, llb.AddMount(partDir(i), part, llb.Readonly, llb.ContentCache(llb.MountContentCacheOff)))
		}
	}
	return opts
}

func partDir(i int) string { return cacheParts + "/" + strconv.Itoa(i) }

// from are the flags that tell our program of the parts.
func (s stock) from() []string {
	var dirs []string
	for i := range s.caches {
		dirs = append(dirs, partDir(i))
	}
	if len(dirs) == 0 {
		return nil
	}
	return []string{"-from", strings.Join(dirs, ":")}
}

// serve lets our program serve the build cache, not the go command: what is in a layer then
// stays there, where the go command would touch files that are an hour old (a copy of each)
// and delete those that are five days old.
func (g *graph) serve(env map[string]string, s stock, warm llb.RunOption) []llb.RunOption {
	argv := append([]string{cacheProg, "cache", "-dir", buildCache}, s.from()...)
	opts := []llb.RunOption{g.programMount()}
	if warm != nil {
		argv = append(argv, "-warm", warmCache)
		opts = append(opts, warm)
	}
	env["GOCACHEPROG"] = strings.Join(argv, " ")
	return opts
}

func (g *graph) programMount() llb.RunOption {
	return llb.AddMount(cacheProgDir, g.cacheProgram().program, llb.Readonly, llb.ContentCache(llb.MountContentCacheOff))
}

// warm keeps what is compiled for the daemon's next build.
func (g *graph) warm() llb.RunOption {
	return llb.AddMount(warmCache, llb.Scratch(), llb.AsPersistentCacheDir(g.CacheID, llb.CacheMountShared))
}

// silent makes go list print nothing but errors: it would name a thousand packages.
func silent(argv []string) []string {
	return append([]string{argv[0], argv[1], `-f={{""}}`}, argv[2:]...)
}

// moduleMount is the module cache, keyed by what was fetched, not by hashing all of it.
func (s stock) moduleMount() []llb.RunOption {
	if s.modules == nil {
		return nil
	}
	return []llb.RunOption{llb.AddMount(moduleCache, *s.modules, llb.Readonly, llb.ContentCache(llb.MountContentCacheOff))}
}
