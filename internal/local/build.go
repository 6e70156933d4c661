package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/containerd/platforms"
	"github.com/google/go-containerregistry/pkg/compression"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/plimsoll-build/plimsoll/internal/gotool"
	"github.com/plimsoll-build/plimsoll/internal/layer"
	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/rootdata"
)

// Options are what a build needs besides its plans.
type Options struct {
	// Tool is the toolchain; its version is that of the plans.
	Tool gotool.Tool
	// Context is the build context, open until the build is over.
	Context *Context
	// Resolver opens base images; scratch needs none.
	Resolver *Resolver
	// CacheDir is an absolute path. It keeps binaries and layers between builds,
	// and the layers of the result, which is unusable without it.
	CacheDir string
	// Compression is that of the layers that are made; a base's stay what they are.
	Compression compression.Compression
	// Follow, if it is set, reads each layer that is made, compressed, while it is made; it is
	// called from several goroutines at once.
	Follow func(ctx context.Context, compressed io.Reader)
	// Progress is told of every step as it starts, from several goroutines at
	// once; nil for nobody.
	Progress func(Step)
}

// Step is a part of a build, for a progress display.
type Step struct {
	// Platform is as platforms.Format writes it.
	Platform string
	// Verb is StepCompile, StepBase, StepLayer or StepImage.
	Verb string
	// Name is that of the binary, base or layer; empty for the image.
	Name string
}

// The verbs of Step, in the order of a build.
const (
	StepCompile = "compile"
	StepBase    = "base"
	StepLayer   = "layer"
	StepImage   = "image"
)

// Result is what was built. Layers are read from the cache and from the base's
// registry when the image is written somewhere.
type Result struct {
	// Images has one image for each plan, in their order.
	Images []PlatformImage
	// Index holds them all; nil if there is but one.
	Index v1.ImageIndex
}

// PlatformImage is the image of one plan.
type PlatformImage struct {
	Platform ocispec.Platform
	Image    v1.Image
}

// Build carries out plans: platforms side by side, all or nothing. It writes
// nothing but to the cache, and after an error or a cancel no part of that is
// half-written.
func Build(ctx context.Context, plans []plan.Plan, o Options) (*Result, error) {
	e, err := newEngine(plans, o)
	if err != nil {
		return nil, err
	}
	images := make([]PlatformImage, len(plans))
	err = each(ctx, plans, func(ctx context.Context, i int, p plan.Plan) error {
		img, err := e.build(ctx, p)
		images[i] = PlatformImage{p.Platform, img}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &Result{Images: images, Index: index(images)}, nil
}

// Binaries compiles the plans and gives the binaries of each, by name, to use, which
// is called from several goroutines. The files are gone when it returns.
func Binaries(ctx context.Context, plans []plan.Plan, o Options, use func(p plan.Plan, paths map[string]string) error) error {
	e, err := newEngine(plans, o)
	if err != nil {
		return err
	}
	return each(ctx, plans, func(ctx context.Context, _ int, p plan.Plan) error {
		return e.again(ctx, p, func() error {
			made, err := e.binaries(ctx, p)
			defer made.done()
			if err != nil {
				return err
			}
			for name, file := range made.files {
				got, err := layer.FileSum(file)
				if want := cmp.Or(made.sums[name], got); err != nil || got != want {
					return fmt.Errorf("reading binary %s: %w", name, cmp.Or(err, layer.ErrDamaged))
				}
				made.sums[name] = got
			}
			made.remember()
			return use(p, made.files)
		})
	})
}

// each does the work of each plan, several side by side.
func each(ctx context.Context, plans []plan.Plan, work func(ctx context.Context, i int, p plan.Plan) error) error {
	group, ctx := errgroup.WithContext(ctx)
	// A go build uses all cores by itself but while it links.
	group.SetLimit(max(2, runtime.GOMAXPROCS(0)/2))
	for i, p := range plans {
		group.Go(func() error {
			if err := work(ctx, i, p); err != nil {
				return fmt.Errorf("building for %s: %w", platforms.Format(p.Platform), err)
			}
			return nil
		})
	}
	return group.Wait()
}

func newEngine(plans []plan.Plan, o Options) (engine, error) {
	if err := check(plans, o); err != nil {
		return engine{}, err
	}
	if err := os.MkdirAll(o.CacheDir, 0o755); err != nil {
		return engine{}, fmt.Errorf("making the cache directory: %w", err)
	}
	return engine{
		Options: o,
		compile: compiler{tool: o.Tool, context: o.Context, cacheDir: o.CacheDir},
		layers:  layer.Store{Dir: filepath.Join(o.CacheDir, layerDir), Compression: o.Compression, Follow: o.Follow},
	}, nil
}

func check(plans []plan.Plan, o Options) error {
	if len(plans) == 0 {
		return errors.New("there is no plan to build")
	}
	if !filepath.IsAbs(o.CacheDir) {
		return fmt.Errorf("the cache directory %q is not an absolute path", o.CacheDir)
	}
	for _, p := range plans {
		name := platforms.Format(p.Platform)
		if err := p.Validate(); err != nil {
			return fmt.Errorf("plan for %s: %w", name, err)
		}
		if p.Platform.OS != "linux" {
			return fmt.Errorf("plan for %s: images are built for linux only", name)
		}
		if p.Go != o.Tool.Version {
			return fmt.Errorf("plan for %s wants Go %s, but the toolchain is %s", name, p.Go, o.Tool.Version)
		}
		for _, c := range p.Compiles {
			if c.Name != filepath.Base(c.Name) || !filepath.IsLocal(c.Name) || c.Name == "." {
				return fmt.Errorf("plan for %s: binary name %q is not a file name", name, c.Name)
			}
		}
	}
	return nil
}

// index is the OCI index of several images.
func index(images []PlatformImage) v1.ImageIndex {
	if len(images) == 1 {
		return nil
	}
	var adds []mutate.IndexAddendum
	for _, i := range images {
		adds = append(adds, mutate.IndexAddendum{Add: i.Image, Descriptor: v1.Descriptor{Platform: &v1.Platform{
			OS: i.Platform.OS, Architecture: i.Platform.Architecture, Variant: i.Platform.Variant,
			OSVersion: i.Platform.OSVersion, OSFeatures: i.Platform.OSFeatures,
		}}})
	}
	return mutate.AppendManifests(empty.Index, adds...)
}

// engine builds single plans.
type engine struct {
	Options
	compile compiler
	layers  layer.Store
}

// build makes the image of a plan.
func (e engine) build(ctx context.Context, p plan.Plan) (img v1.Image, err error) {
	err = e.again(ctx, p, func() error {
		img, err = e.image(ctx, p)
		return err
	})
	return img, err
}

// again does something a second time if a kept binary was damaged.
func (e engine) again(ctx context.Context, p plan.Plan, do func() error) error {
	err := do()
	if !errors.Is(err, layer.ErrDamaged) {
		return err
	}
	if err := e.compile.forget(ctx, p); err != nil {
		return err
	}
	return do()
}

func (e engine) image(ctx context.Context, p plan.Plan) (v1.Image, error) {
	made, err := e.binaries(ctx, p)
	defer made.done()
	if err != nil {
		return nil, err
	}
	layers, err := e.base(ctx, p)
	if err != nil {
		return nil, err
	}
	src := layer.Sources{Binaries: made.files, Sums: made.sums, Context: e.Context.FS(), RootData: rootdata.Lookup}
	for _, l := range p.Layers {
		if err := e.step(ctx, p, StepLayer, l.Name); err != nil {
			return nil, err
		}
		built, err := e.layers.Build(ctx, l, p.Epoch, src)
		if err != nil {
			return nil, err
		}
		layers = append(layers, built)
	}
	made.remember()
	if err := e.step(ctx, p, StepImage, ""); err != nil {
		return nil, err
	}
	return newImage(p, layers)
}

// base is the base image's layers; none for scratch.
func (e engine) base(ctx context.Context, p plan.Plan) ([]v1.Layer, error) {
	if p.Base.Scratch() {
		return nil, nil
	}
	if err := e.step(ctx, p, StepBase, p.Base.Ref); err != nil {
		return nil, err
	}
	if e.Resolver == nil {
		return nil, fmt.Errorf("base image %s: there is no resolver", p.Base.Ref)
	}
	img, err := e.Resolver.Open(ctx, p.Base, p.Platform)
	if err != nil {
		return nil, err
	}
	return img.Layers()
}

// step reports a step, unless the build is to end.
func (e engine) step(ctx context.Context, p plan.Plan, verb, name string) error {
	if e.Progress != nil {
		e.Progress(Step{platforms.Format(p.Platform), verb, name})
	}
	return ctx.Err()
}
