package llbgen

import (
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// ambient is what every run of the go command gets from its surroundings.
func (g *graph) ambient() map[string]string {
	env := map[string]string{"PATH": g.path, "HOME": homeDir, "TMPDIR": tempDir, "GOMODCACHE": moduleCache}
	for _, kv := range plan.Pace() {
		key, value, _ := strings.Cut(kv, "=")
		env[key] = value
	}
	return env
}

// compileEnv is the complete environment of compiling and linking.
func (g *graph) compileEnv(c plan.Compile) map[string]string {
	env := g.ambient()
	for _, kv := range plan.Environ(c, plan.Paths{Context: sourceDir}) {
		key, value, _ := strings.Cut(kv, "=")
		env[key] = value
	}
	env["GOCACHE"], env["GOPROXY"] = buildCache, "off"
	return env
}

// run is one run of the go command on the build platform. The environment is complete: what
// the toolchain image's config sets does not count. Its root file system is read-only, and
// temporary files are thrown away.
func (g *graph) run(rootfs llb.State, argv []string, env map[string]string, dir string, net pb.NetMode, opts []llb.RunOption) llb.ExecState {
	root := rootfs.Dir(sourceDir + rooted(dir)).Network(net)
	for _, key := range slices.Sorted(maps.Keys(env)) {
		root = root.AddEnv(key, env[key])
	}
	return root.Run(append([]llb.RunOption{
		llb.Args(argv),
		llb.Platform(g.BuildPlatform),
		llb.ReadonlyRootFS(),
		llb.AddMount(tempDir, llb.Scratch(), llb.ForceNoOutput),
	}, opts...)...)
}

// runOptions are constraints as options of a run.
func runOptions(constraints []llb.ConstraintsOpt) []llb.RunOption {
	opts := make([]llb.RunOption, len(constraints))
	for i, c := range constraints {
		opts[i] = c
	}
	return opts
}

// before is a program and its flags that run the go command, in a directory that is not there
// before.
type before []string

// run is a command line and its directory with what is before it.
func (b before) run(argv []string, dir string) ([]string, string) {
	if len(b) == 0 {
		return argv, dir
	}
	return slices.Concat(b, argv), "."
}
