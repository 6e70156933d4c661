package llbgen

import (
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

// seed compiles the service's own packages as they were some edits ago, into the build cache
// of s. The vertex is keyed by a sketch of the sources that most edits leave as it is: it is
// what a registry cache has for a new machine when the sources have changed. What is old in
// it, the go command sees; so it decides how long a build takes, and nothing else.
//
// A vertex's inputs are its key, so that the sources themselves cannot be one: they come
// through the cache mount, where the vertex of the sketch leaves them.
func (g *graph) seed(u unit, s *stock) {
	name := strings.Join(append([]string{g.plan.Compiles[0].Name, u.Dir}, u.mains...), " ") // of the service, as far as it is the same after an edit
	keep := g.run(g.cacheProgram().program,
		[]string{"/" + cacheProgName, "stash", "-dir", sourceDir, "-warm", warmCache, "-name", name, "-out", sketchFile},
		g.ambient(), ".", pb.NetMode_NONE,
		append(runOptions(g.shared("keep the service's sources for the next vertex")),
			llb.AddMount(sourceDir, s.sources, llb.Readonly), g.warm()))
	sketch := keep.AddMount(sketchDir, llb.Scratch())
	g.compile(s, u.Compile, plan.Packages{Paths: u.mains}, compileStep{
		name: "compile the service's own packages for edits to come", warm: g.warm(),
		before: []string{cacheProg, "seed", "-dir", sourceDir, "-in", u.Dir, "-warm", warmCache, "-name", name, "--"},
		mounts: append(s.moduleMount(),
			llb.AddMount(sourceDir, llb.Scratch(), llb.ForceNoOutput), llb.AddMount(sketchDir, sketch, llb.Readonly)),
		about: slices.Clone(g.Locations[CompileLocation(u.Name)]),
	})
}
