package frontend

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/llbgen"
)

// options are the parts of llbgen's options that all platforms share.
func (b *build) options(tools toolchain, plans []plan.Plan, trees map[string][]string) llbgen.Options {
	return llbgen.Options{
		Context:       b.context.state,
		Excludes:      b.context.excludes,
		Toolchain:     tools.state,
		GoRoot:        tools.goRoot,
		BuildPlatform: b.BuildPlatforms[0],
		CacheID:       path.Join(b.CacheIDNamespace, "plimsoll-go-build"),
		Fetch: llbgen.Fetch{
			Env:   b.fetchEnv(),
			Netrc: b.service.Build.Private.Netrc,
			CA:    b.service.Build.Private.CA,
			Proxy: b.proxy(),
			Hosts: b.ExtraHosts,
		},
		TreeFiles:    trees,
		ShowPlatform: len(plans) > 1,
		NoCache:      b.noCache(),
		Locations:    b.locations(plans[0]),
	}
}

// noCache reports whether --no-cache was given. There are no stages to name.
func (b *build) noCache() bool { return b.IsNoCache("") }

// fetchEnv is where modules come from. A build argument wins over the spec.
func (b *build) fetchEnv() map[string]string {
	env := map[string]string{}
	if patterns := b.service.Build.Private.Patterns; len(patterns) > 0 {
		env["GOPRIVATE"] = strings.Join(patterns, ",")
	}
	for _, name := range []string{"GOPROXY", "GOPRIVATE", "GONOSUMDB"} {
		if value, ok := b.BuildArgs[name]; ok {
			env[name] = value
		}
	}
	return env
}

// proxy is the HTTP proxy of the build arguments, in either case; nil without one.
func (b *build) proxy() *llb.ProxyEnv {
	var p llb.ProxyEnv
	for name, value := range b.BuildArgs {
		switch strings.ToUpper(name) {
		case "HTTP_PROXY":
			p.HTTPProxy = value
		case "HTTPS_PROXY":
			p.HTTPSProxy = value
		case "FTP_PROXY":
			p.FTPProxy = value
		case "NO_PROXY":
			p.NoProxy = value
		case "ALL_PROXY":
			p.AllProxy = value
		}
	}
	if p == (llb.ProxyEnv{}) {
		return nil
	}
	return &p
}

// locations tie vertices to the keys that decide them.
func (b *build) locations(p plan.Plan) map[string][]llb.ConstraintsOpt {
	at := map[string][]llb.ConstraintsOpt{
		llbgen.FetchLocation():         b.locate("build.private"),
		llbgen.LayerLocation("files"):  b.locate("image.files"),
		llbgen.LayerLocation("system"): b.locate("image.base"),
	}
	for i, c := range p.Compiles {
		key := "build.main"
		if len(b.service.Build.Binaries) > 0 {
			key = fmt.Sprintf("build.binaries[%d].main", i)
		}
		at[llbgen.CompileLocation(c.Name)] = b.locate(key)
	}
	return at
}

// warnOfOptions names the options that a Dockerfile would honour and that change
// nothing here.
func (b *build) warnOfOptions(ctx context.Context) {
	if b.NetworkMode != pb.NetMode_UNSET {
		b.warn(ctx, "", "network-mode", fmt.Sprintf("network mode %s is not applied: only fetching modules has a network, that of the daemon's sandbox", strings.ToLower(b.NetworkMode.String())))
	}
	if filter := b.opts["no-cache"]; filter != "" {
		b.warn(ctx, "", "no-cache-filter", fmt.Sprintf("no-cache for %q is not applied: there are no stages to name; --no-cache alone builds everything again", filter))
	}
}
