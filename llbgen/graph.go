package llbgen

import (
	"context"
	"fmt"
	"math"
	"path"
	"slices"
	"time"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// Places inside the containers of the build. They reach no output: -trimpath
// keeps paths out of binaries.
const (
	sourceDir   = "/src"
	outDir      = "/out"
	linkedDir   = "/linked"
	moduleCache = "/go/pkg/mod"
	buildCache  = "/go/cache"
	cacheParts  = "/go/parts"
	warmCache   = "/go/warm"
	tempDir     = "/tmp"
	homeDir     = "/root"
	netrcFile   = homeDir + "/.netrc" // where git looks too
	caFile      = "/run/secrets/plimsoll-ca.pem"

	cacheProgDir  = "/plimsoll"
	cacheProgName = "cacheprog"
	cacheProg     = cacheProgDir + "/" + cacheProgName
)

// defaultPath is used for a toolchain image without a PATH.
const defaultPath = "/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Image is the plan's root file system: its base with one layer for each of its layers.
func Image(ctx context.Context, p plan.Plan, o Options) (llb.State, error) {
	g, err := newGraph(ctx, p, o)
	if err != nil {
		return llb.State{}, err
	}
	st := o.Base
	own := !p.Base.Scratch()
	for _, l := range p.Layers {
		own = own || slices.ContainsFunc(l.Files, func(f plan.File) bool { return f.Source.Binary != "" })
		if st, err = g.layer(st, l, own); err != nil {
			return llb.State{}, fmt.Errorf("placing layer %s: %w", l.Name, err)
		}
	}
	return st, nil
}

// Binaries is the plan's binaries alone, at the root of a file system.
func Binaries(ctx context.Context, p plan.Plan, o Options) (llb.State, error) {
	g, err := newGraph(ctx, p, o)
	if err != nil {
		return llb.State{}, err
	}
	st := llb.Scratch()
	for _, c := range p.Compiles {
		out, err := g.binary(c)
		if err != nil {
			return llb.State{}, err
		}
		st = st.File(llb.Copy(out, "/"+c.Name, "/"+c.Name, &llb.CopyInfo{
			Mode: &llb.ChmodOpt{Mode: 0o755}, CreatedTime: &g.epoch,
		}), g.about("take "+c.Name)...)
	}
	return st, nil
}

// graph is the graph of one plan. States are values: asking for the same vertex
// twice gives the same definition, which BuildKit runs once.
type graph struct {
	Options
	plan  plan.Plan
	path  string // PATH of the toolchain image
	epoch time.Time
}

func newGraph(ctx context.Context, p plan.Plan, o Options) (*graph, error) {
	// LLB counts nanoseconds in an int64, and -1 means no time at all.
	if p.Epoch < 0 || p.Epoch > math.MaxInt64/int64(time.Second) {
		return nil, fmt.Errorf("source date epoch %d is not between 1970 and 2262, which is what BuildKit can write", p.Epoch)
	}
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("checking the plan: %w", err)
	}
	envPath, ok, err := o.Toolchain.GetEnv(ctx, "PATH")
	if err != nil {
		return nil, fmt.Errorf("reading PATH of the toolchain image: %w", err)
	}
	if !ok {
		envPath = defaultPath
	}
	return &graph{Options: o, plan: p, path: envPath, epoch: time.Unix(p.Epoch, 0).UTC()}, nil
}

// about is the name of a vertex of this platform alone, and what else all vertices have.
func (g *graph) about(name string) []llb.ConstraintsOpt {
	if g.ShowPlatform {
		name = "[" + platforms.Format(g.plan.Platform) + "] " + name
	}
	return g.shared(name)
}

// shared is about for a vertex that is the same for all platforms.
func (g *graph) shared(name string) []llb.ConstraintsOpt {
	opts := []llb.ConstraintsOpt{llb.WithCustomName(name)}
	if g.NoCache {
		opts = append(opts, llb.IgnoreCache)
	}
	return opts
}

// rooted is a path of the build context as a path of its root file system.
func rooted(p string) string { return path.Join("/", p) }
