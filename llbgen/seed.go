package llbgen

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

const (
	sketchDir  = "/sketch"
	sketchFile = sketchDir + "/sums"
	// packagesFile lists import paths beside module files, a line each.
	packagesFile = ".plimsoll-packages"
)

// seedFrom is the number of own packages from which on they are compiled in two vertices. With
// fewer, to load the packages once more takes as long as it saves.
const seedFrom = 20

// large reports whether a service's own packages take long enough to compile that a new
// machine wants those that an edit leaves as they are.
func (u unit) large() bool {
	dirs := map[string]bool{}
	for _, f := range u.Files {
		if strings.HasSuffix(f, ".go") {
			dirs[path.Dir(f)] = true
		}
	}
	return !u.small() && len(dirs) >= seedFrom
}

// updateFrom is the number of packages of other modules that a service imports from which on
// those are compiled in two vertices, for the same reason.
const updateFrom = 8

// fetchesAhead reports whether the modules are fetched in two vertices. All services of a module
// do so, whatever they import, and share what was fetched.
func (u unit) fetchesAhead() bool { return !u.small() && u.Vendor == "" && len(u.ModFiles) > 0 }

// updatable reports whether a service's dependencies take long enough to compile that a new
// machine wants those that an update of some modules leaves as they are.
func (u unit) updatable() bool {
	return u.fetchesAhead() && u.Profile == "" && len(u.Deps) >= updateFrom
}

// A seed is what a vertex made of the service as it was some edits ago. The vertex is keyed by
// a sketch of its sources that most edits leave as it is: it is what a registry cache has for
// a new machine when the sources have changed. What is old in it, the go command sees; so it
// decides how long a build takes, and nothing else.
//
// A vertex's inputs are its key, so that the sources themselves cannot be one: they come
// through the cache mount, where the vertex of the sketch leaves them.
type seed struct {
	name   string
	sketch llb.State
}

// sketch leaves sources in the cache mount. The name of a seed is the same after an edit; flags
// are more of our program's.
func (g *graph) sketch(name, title string, sources llb.State, flags ...string) seed {
	argv := []string{"/" + cacheProgName, "stash", "-dir", sourceDir, "-warm", warmCache, "-name", name, "-out", sketchFile}
	keep := g.run(g.cacheProgram().program, append(argv, flags...),
		g.ambient(), ".", pb.NetMode_NONE,
		append(runOptions(g.shared(title)), llb.AddMount(sourceDir, sources, llb.Readonly), g.warm()))
	return seed{name, keep.AddMount(sketchDir, llb.Scratch())}
}

// before runs a command in a directory of the sources; flags are more of our program's.
func (s seed) before(dir string, flags ...string) before {
	argv := []string{cacheProg, "seed", "-dir", sourceDir, "-in", dir, "-warm", warmCache, "-name", s.name, "-sketch", sketchFile}
	return append(append(argv, flags...), "--")
}

func (s seed) mounts() []llb.RunOption {
	return []llb.RunOption{
		llb.AddMount(sourceDir, llb.Scratch(), llb.ForceNoOutput),
		llb.AddMount(sketchDir, s.sketch, llb.Readonly),
	}
}

// seedOwn compiles the service's own packages as they were, into the build cache of s.
func (g *graph) seedOwn(u unit, s *stock) {
	name := strings.Join(append([]string{g.plan.Compiles[0].Name, u.Dir}, u.mains...), " ")
	own := g.sketch(name, "keep the service's sources for the next vertex", s.sources)
	g.compile(s, u.Compile, plan.Packages{Paths: u.mains}, compileStep{
		name: "compile the service's own packages for edits to come", warm: g.warm(),
		before: own.before(u.Dir),
		mounts: append(s.moduleMount(), own.mounts()...),
		about:  slices.Clone(g.Locations[CompileLocation(u.Name)]),
	})
}

// earlierModules fetches the modules as they were. All platforms share them.
func (g *graph) earlierModules(c plan.Compile) (llb.State, error) {
	was := g.sketch("modules "+c.Dir, "keep the module files for the next vertex",
		g.selected(Listing{Files: c.ModFiles}, "select module files"))
	return g.fetch(c, llb.Scratch(), fetchStep{
		name: g.Fetch.name() + " for updates to come", before: was.before(c.Dir, "-v"),
		mounts: append(was.mounts(), g.programMount(), g.warm()),
	})
}

// variant tells the service, its target and its flags from others, whose packages are others:
// where one of these changes, what the seed is made of is to be kept anew.
func (g *graph) variant(u unit) string {
	return fmt.Sprintf("%s %q %q %q %q %q", g.plan.Compiles[0].Name, u.Dir, u.mains, u.Flags, u.Tags, u.Env)
}

// kin names the services of a module that have a target and flags in common: much of what one of
// them compiled of other modules, the others need too. With a profile, which is part of the key of
// every package, there are none.
func (g *graph) kin(u unit) string {
	if u.Profile != "" {
		return ""
	}
	module := strings.TrimSuffix(g.Listings[u.Name].Main, strings.TrimPrefix(u.Package, "."))
	return fmt.Sprintf("%s %q go%s %q %q %q", module, u.Dir, g.plan.Go, u.Flags, u.Tags, u.Env)
}

// seedDependencies compiles the packages of other modules as they were. Which these are is not
// part of the key either: what is imported more, the next vertex compiles.
func (g *graph) seedDependencies(u unit, packages plan.Packages, files []string, modules llb.State, s *stock) {
	sources := g.selected(Listing{Files: files}, "select module files").File(
		llb.Mkfile("/"+packagesFile, 0o644, []byte(strings.Join(packages.Paths, "\n")+"\n"), llb.WithCreatedTime(sourceTime)),
		g.sourceVertex("list packages of other modules")...)
	was := g.sketch("dependencies "+g.variant(u), "keep the list of packages for the next vertex", sources, "-args", packagesFile)
	packages.Paths, packages.Tolerant = nil, true
	g.compile(s, u.Compile, packages, compileStep{
		name: "compile packages of other modules for updates to come", itself: true, kin: g.kin(u),
		before: was.before(u.Dir, "-args", packagesFile),
		mounts: append(was.mounts(), // the cache mount comes with kin
			llb.AddMount(moduleCache, modules, llb.Readonly, llb.ContentCache(llb.MountContentCacheOff))),
	})
}
