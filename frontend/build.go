package frontend

import (
	"context"
	"fmt"
	"io/fs"
	"sync"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/errdefs"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plimsoll-build/plimsoll/internal/facts"
	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/planner"
	"github.com/plimsoll-build/plimsoll/internal/spec"
	"github.com/plimsoll-build/plimsoll/llbgen"
)

// Build is the gateway's entry point: one call is one build of one spec. Problems of
// the spec come back with their lines (errdefs.Source).
func Build(ctx context.Context, c client.Client) (*client.Result, error) {
	if request := c.BuildOpts().Opts["requestid"]; request != "" {
		return nil, errdefs.NewUnsupportedSubrequestError(request)
	}
	if err := checkDaemon(c); err != nil {
		return nil, err
	}
	bc, err := dockerui.NewClient(recorder{c})
	if err != nil {
		return nil, fmt.Errorf("reading the build's options: %w", err)
	}
	b := &build{Client: bc, opts: c.BuildOpts().Opts}
	if err := b.read(ctx); err != nil {
		return nil, b.atLines(ctx, err)
	}
	result, err := b.run(ctx)
	return result, b.atLines(ctx, err)
}

// checkDaemon refuses a daemon on which a build would fail half-way.
func checkDaemon(c client.Client) error {
	caps := c.BuildOpts().LLBCaps
	for _, id := range llbgen.RequiredCaps() {
		if err := caps.Supports(id); err != nil {
			return fmt.Errorf("the BuildKit daemon is too old, 0.19 or later is needed: %w", err)
		}
	}
	return nil
}

// build is one build.
type build struct {
	*dockerui.Client
	opts    map[string]string
	source  *dockerui.Source
	doc     *spec.Document
	service spec.Service
	context buildContext
	images  images
}

// read reads the spec and what the client's options make of it.
func (b *build) read(ctx context.Context) error {
	var err error
	if b.source, err = b.ReadEntrypoint(ctx, "YAML"); err != nil {
		return told(ctx, "reading the spec", err)
	}
	if b.doc, err = spec.Parse(b.source.Filename, b.source.Data); err != nil {
		return err
	}
	var warnings []spec.Warning
	b.service, warnings, err = b.doc.Resolve(spec.Overrides{Args: b.BuildArgs, Labels: b.Labels})
	for _, w := range warnings {
		b.warn(ctx, w.Path, w.Rule, w.Message)
	}
	return err
}

// run is everything from a spec to a result.
func (b *build) run(ctx context.Context) (*client.Result, error) {
	target, err := b.target()
	if err != nil {
		return nil, err
	}
	b.settlePlatforms()
	query := planner.Needs(b.service, b.TargetPlatforms)
	b.images = images{build: b, states: map[string]llb.State{}, configs: map[string][]byte{}}
	// A registry is far away: it is asked while the context comes and the toolchain is looked for.
	bases := sync.OnceValues(func() (map[string]facts.Image, error) { return facts.Bases(ctx, query, &b.images) })
	go func() { _, _ = bases() }()
	if b.context, err = b.openContext(ctx); err != nil {
		return nil, err
	}
	toolchain, plans, err := b.plan(ctx, query, bases)
	if err != nil {
		return nil, err
	}
	b.warnOfOptions(ctx)
	trees, err := treeFiles(b.context.files, plans)
	if err != nil {
		return nil, err
	}
	o := b.options(toolchain, plans, trees)
	listings := make([]map[string]llbgen.Listing, len(plans))
	if target.compiles() {
		listings = b.listings(ctx, plans)
		if err := b.narrow(ctx, plans, listings, &o); err != nil {
			return nil, err
		}
	}
	return b.solve(ctx, target, plans, listings, o)
}

// settlePlatforms makes the default target explicit: linux on the daemon's
// architecture.
func (b *build) settlePlatforms() {
	if len(b.TargetPlatforms) == 0 {
		p := b.BuildPlatforms[0]
		b.TargetPlatforms = []ocispec.Platform{{OS: "linux", Architecture: p.Architecture, Variant: p.Variant}}
	}
	for i, p := range b.TargetPlatforms {
		b.TargetPlatforms[i] = platforms.Normalize(p)
	}
}

// plan gathers the facts and makes the plans.
func (b *build) plan(ctx context.Context, query facts.Query, bases func() (map[string]facts.Image, error)) (toolchain, []plan.Plan, error) {
	f, err := facts.Collect(b.context.files, query)
	if err != nil {
		return toolchain{}, nil, err
	}
	request, err := planner.Go(b.service, f)
	if err != nil {
		return toolchain{}, nil, err
	}
	tools, err := b.toolchain(ctx, request)
	if err != nil {
		return toolchain{}, nil, err
	}
	f.Go = tools.version
	if f.Bases, err = bases(); err != nil {
		return toolchain{}, nil, err
	}
	if f.Source, err = b.sourceFacts(ctx); err != nil {
		return toolchain{}, nil, err
	}
	result, err := planner.Plan(b.service, f, planner.Options{Platforms: b.TargetPlatforms})
	if err != nil {
		return toolchain{}, nil, err
	}
	for _, w := range result.Warnings {
		b.warn(ctx, w.Path, w.Rule, w.Message)
	}
	return tools, result.Plans, nil
}

// treeFiles lists the files of the trees whose files get a mode.
func treeFiles(src fs.FS, plans []plan.Plan) (map[string][]string, error) {
	lists := map[string][]string{}
	for _, p := range plans {
		for _, l := range p.Layers {
			for _, f := range l.Files {
				tree := f.Source.Tree
				if _, done := lists[tree]; done || tree == "" || f.Mode == 0 {
					continue
				}
				files, err := regularFiles(src, tree)
				if err != nil {
					return nil, fmt.Errorf("listing %s: %w", tree, err)
				}
				lists[tree] = files
			}
		}
	}
	return lists, nil
}

func regularFiles(src fs.FS, tree string) ([]string, error) {
	sub, err := fs.Sub(src, tree)
	if err != nil {
		return nil, err
	}
	files := []string{}
	err = fs.WalkDir(sub, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, name)
		}
		return err
	})
	return files, err
}
