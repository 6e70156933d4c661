package llbgen

import (
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// fetchEnv names what of a compile's environment may matter to fetching. The rest, such
// as GOARCH, is left out, so that all platforms share one fetch.
var fetchEnv = []string{"GO111MODULE", "GOENV", "GOFLAGS", "GOTOOLCHAIN", "GOWORK"}

// modules is the module cache of a compile; ok is false where nothing is fetched.
func (g *graph) modules(c plan.Compile) (cache llb.State, ok bool, err error) {
	if len(c.ModFiles) == 0 {
		return llb.State{}, false, nil
	}
	paths := plan.Paths{Context: sourceDir}
	argv, err := plan.Argv(plan.Fetch, c, paths)
	if err != nil {
		return llb.State{}, false, err
	}
	env := g.ambient()
	for _, kv := range plan.Environ(c, paths) {
		if key, value, _ := strings.Cut(kv, "="); slices.Contains(fetchEnv, key) {
			env[key] = value
		}
	}
	// Beside the module cache, go keeps notes of the checksum database in GOPATH.
	env["GOCACHE"], env["GOPATH"] = tempDir+"/go-build", tempDir+"/go"
	maps.Copy(env, g.Fetch.Env)
	// The go command adds sums that a workspace or a build does without, and fails if it
	// cannot write them: it writes into a copy. What the build needs, linking checks.
	opts := []llb.RunOption{llb.AddMount(sourceDir, g.modFiles(c.ModFiles), llb.ForceNoOutput)}
	opts = append(opts, g.secrets(env)...)
	if g.Fetch.Proxy != nil {
		opts = append(opts, llb.WithProxy(*g.Fetch.Proxy))
	}
	for _, h := range g.Fetch.Hosts {
		opts = append(opts, llb.AddExtraHost(h.Host, h.IP))
	}
	about := append(g.shared(g.Fetch.name()), g.Locations[FetchLocation()]...)
	run := g.run(argv, env, c.Dir, pb.NetMode_UNSET, append(opts, runOptions(about)...))
	return run.AddMount(moduleCache, llb.Scratch()), true, nil
}

// name names the secrets too: the daemon's error for a missing one is about the id alone.
func (f Fetch) name() string {
	ids := slices.DeleteFunc([]string{f.Netrc, f.CA}, func(id string) bool { return id == "" })
	if len(ids) == 0 {
		return "fetch Go modules"
	}
	return "fetch Go modules with --secret id=" + strings.Join(ids, " --secret id=")
}

// secrets mounts the credentials of fetching and tells the go command, and the git
// that it may start, where they are.
func (g *graph) secrets(env map[string]string) []llb.RunOption {
	var opts []llb.RunOption
	if id := g.Fetch.Netrc; id != "" {
		opts = append(opts, llb.AddSecret(netrcFile, llb.SecretID(id)))
		env["NETRC"] = netrcFile
	}
	if id := g.Fetch.CA; id != "" {
		opts = append(opts, llb.AddSecret(caFile, llb.SecretID(id)))
		env["SSL_CERT_FILE"], env["GIT_SSL_CAINFO"] = caFile, caFile
	}
	return opts
}

// binary is a file system that holds the compile's binary at its root.
func (g *graph) binary(c plan.Compile) (llb.State, error) {
	paths := plan.Paths{Context: sourceDir, Out: outDir + "/" + c.Name}
	argv, err := plan.Argv(plan.Link, c, paths)
	if err != nil {
		return llb.State{}, err
	}
	env := g.ambient()
	for _, kv := range plan.Environ(c, paths) {
		key, value, _ := strings.Cut(kv, "=")
		env[key] = value
	}
	env["GOCACHE"], env["GOPROXY"] = buildCache, "off"
	opts := []llb.RunOption{
		llb.AddMount(sourceDir, g.sources(), llb.Readonly),
		llb.AddMount(buildCache, llb.Scratch(), llb.AsPersistentCacheDir(g.CacheID, llb.CacheMountShared)),
	}
	cache, ok, err := g.modules(c)
	if err != nil {
		return llb.State{}, err
	}
	if ok {
		// Keyed by what was fetched, not by hashing all of it.
		opts = append(opts, llb.AddMount(moduleCache, cache, llb.Readonly, llb.ContentCache(llb.MountContentCacheOff)))
	}
	about := append(g.about("compile "+c.Name+" with go"+g.plan.Go), g.Locations[CompileLocation(c.Name)]...)
	run := g.run(argv, env, c.Dir, pb.NetMode_NONE, append(opts, runOptions(about)...))
	return run.AddMount(outDir, llb.Scratch()), nil
}

// ambient is what every run of the go command gets from its surroundings.
func (g *graph) ambient() map[string]string {
	return map[string]string{"PATH": g.path, "HOME": homeDir, "TMPDIR": tempDir, "GOMODCACHE": moduleCache}
}

// run is one run of the go command on the build platform. The environment is complete: what
// the toolchain image's config sets does not count. Its root file system is read-only, and
// temporary files are thrown away.
func (g *graph) run(argv []string, env map[string]string, dir string, net pb.NetMode, opts []llb.RunOption) llb.ExecState {
	root := llb.NewState(g.Toolchain.Output()).Dir(sourceDir + rooted(dir)).Network(net)
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
