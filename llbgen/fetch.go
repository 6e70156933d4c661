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
	cache, err = g.fetch(c, llb.Scratch(), fetchStep{name: g.Fetch.name(), mounts: g.moduleFiles(c)})
	return cache, true, err
}

// moduleFiles are what says which modules to fetch. The go command adds sums that a workspace
// or a build does without, and fails if it cannot write them: it writes into a copy. What the
// build needs, linking checks.
func (g *graph) moduleFiles(c plan.Compile) []llb.RunOption {
	return []llb.RunOption{llb.AddMount(sourceDir, g.selected(Listing{Files: c.ModFiles}, "select module files"), llb.ForceNoOutput)}
}

// updatedModules is modules with what an earlier build had fetched, which is earlier: what has
// been there before is not fetched again.
func (g *graph) updatedModules(c plan.Compile) (cache, earlier llb.State, err error) {
	if earlier, err = g.earlierModules(c); err != nil {
		return llb.State{}, llb.State{}, err
	}
	cache, err = g.fetch(c, earlier, fetchStep{
		name: g.Fetch.name(), renews: true, mounts: append(g.moduleFiles(c), g.programMount()),
	})
	return cache, earlier, err
}

// fetchStep is one run of the go command that fetches modules.
type fetchStep struct {
	name   string
	before before // what runs the go command, if it is not run as it is
	renews bool   // what is there already may be in the way
	mounts []llb.RunOption
}

func (g *graph) fetch(c plan.Compile, below llb.State, step fetchStep) (llb.State, error) {
	paths := plan.Paths{Context: sourceDir}
	argv, err := plan.Argv(plan.Fetch, c, paths)
	if err != nil {
		return llb.State{}, err
	}
	if step.renews {
		argv = append([]string{cacheProg, "renew", "-dir", moduleCache, "--"}, argv...)
	}
	argv, dir := step.before.run(argv, c.Dir)
	env := g.ambient()
	for _, kv := range plan.Environ(c, paths) {
		if key, value, _ := strings.Cut(kv, "="); slices.Contains(fetchEnv, key) {
			env[key] = value
		}
	}
	// Beside the module cache, go keeps notes of the checksum database in GOPATH.
	env["GOCACHE"], env["GOPATH"] = tempDir+"/go-build", tempDir+"/go"
	maps.Copy(env, g.Fetch.Env)
	opts := append(step.mounts, g.secrets(env)...)
	if g.Fetch.Proxy != nil {
		opts = append(opts, llb.WithProxy(*g.Fetch.Proxy))
	}
	for _, h := range g.Fetch.Hosts {
		opts = append(opts, llb.AddExtraHost(h.Host, h.IP))
	}
	// What is compiled takes its part of the modules along: a cache need not hold them all.
	about := append(g.shared(step.name), llb.WithoutExportCache())
	about = append(about, g.Locations[FetchLocation()]...)
	run := g.run(llb.NewState(g.Toolchain.Output()), argv, env, dir, pb.NetMode_UNSET, append(opts, runOptions(about)...))
	return run.AddMount(moduleCache, below, llb.ContentCache(llb.MountContentCacheOff)), nil
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
