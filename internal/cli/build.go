package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"github.com/plimsoll-build/plimsoll/internal/export"
	"github.com/plimsoll-build/plimsoll/internal/local"
	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/verify"
)

func newBuild(s Streams) *cobra.Command {
	var f buildFlags
	c := &cobra.Command{
		Use:   "build [CONTEXT]",
		Short: "Build an image from a spec",
		Long: `Build an image from CONTEXT/plimsoll.yaml, with this machine's Go and no daemon,
or through BuildKit with --addr or BUILDKIT_HOST.

Without an output flag the image becomes an OCI layout, NAME.oci, in the working
directory. stdout is one line: what was written, and its digest.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.context = contextArg(args)
			if f.strict {
				f.buildArgs = append(f.buildArgs, "PLIMSOLL_STRICT=1")
			}
			return runBuild(cmd.Context(), s, &f)
		},
	}
	f.register(c.Flags())
	return c
}

func runBuild(ctx context.Context, s Streams, f *buildFlags) error {
	daemon, addr, err := f.buildkit()
	if err != nil {
		return err
	}
	for _, err := range []error{checkTarget(f.target), checkProgress(f.progress), checkContext(f.context)} {
		if err != nil {
			return err
		}
	}
	clean, err := f.fromStdin(ctx, s.In)
	if err != nil {
		return err
	}
	defer clean()
	if daemon {
		return buildWithBuildKit(ctx, s, f, addr)
	}
	if err := f.onlyBuildKit(); err != nil {
		return err
	}
	log := newLog(s)
	if f.quiet || f.progress == "quiet" {
		log.SetLevel(logrus.ErrorLevel)
	}
	p, err := prepare(ctx, log, &f.sourceFlags)
	if err != nil {
		return err
	}
	defer p.done()
	return buildEmbedded(ctx, s, log, f, p)
}

// buildEmbedded carries the plans out on this machine.
func buildEmbedded(ctx context.Context, s Streams, log *logrus.Logger, f *buildFlags, p *prepared) error {
	if f.target != "" {
		return buildTarget(ctx, s, log, f, p)
	}
	words, err := f.outputWords(p.title() + ".oci")
	if err != nil {
		return err
	}
	outputs, err := parseOutputs(words, f, len(p.Plans))
	if err != nil {
		return err
	}
	options, clean, err := engineOptions(log, f, p)
	if err != nil {
		return err
	}
	defer clean()
	if options.Compression, err = export.Compression(outputs); err != nil {
		return usageError{err}
	}
	exports := export.Options{Names: f.tags, Stdout: s.Out}
	if exports.Pusher, err = export.NewPusher(); err != nil {
		return err
	}
	pushing, stop := context.WithCancel(ctx)
	defer stop()
	go pushBases(pushing, p, outputs, exports)
	ahead := p.readAhead(&options)
	res, err := local.Build(ctx, p.Plans, options)
	if err != nil {
		return err
	}
	if err := summarise(ctx, s, log, p, res, ahead, local.Cache{Dir: options.CacheDir}); err != nil {
		return err
	}
	if err := rehearsals(ctx, log, f, p, res); err != nil {
		return err
	}
	written, err := export.Write(ctx, export.Artifact{Image: res.Images[0].Image, Index: res.Index}, outputs, exports)
	if err != nil {
		return err
	}
	bound(ctx, log, options.CacheDir)
	return finish(s, log, f, written)
}

// pushBases brings the layers of bases to where the image will be pushed. It changes nothing but
// how long that takes: what goes wrong is for the push to say.
func pushBases(ctx context.Context, p *prepared, outputs []export.Output, exports export.Options) {
	if !slices.ContainsFunc(outputs, func(o export.Output) bool { return o.Push }) {
		return
	}
	for _, pl := range p.Plans {
		if pl.Base.Scratch() {
			continue
		}
		img, err := p.resolver.Open(ctx, pl.Base, pl.Platform)
		if err != nil {
			return
		}
		layers, err := img.Layers()
		if err != nil {
			return
		}
		export.Ahead(ctx, outputs, layers, exports)
	}
}

// readAhead lets verify read layers while a build makes them.
func (p *prepared) readAhead(o *local.Options) *verify.Ahead {
	var configs []plan.RunConfig
	for _, pl := range p.Plans {
		configs = append(configs, pl.Config.Config)
	}
	ahead := verify.NewAhead(configs...)
	o.Follow = ahead.Read
	return ahead
}

// title names the image's default output.
func (p *prepared) title() string {
	return p.Plans[0].Config.Config.Labels[ocispec.AnnotationTitle]
}

// engineOptions are the embedded engine's. With --no-cache it starts from an empty
// cache, which clean removes; Go's own build cache is not ours to doubt.
func engineOptions(log *logrus.Logger, f *buildFlags, p *prepared) (_ local.Options, clean func(), err error) {
	clean = func() {}
	dir, err := cacheDir()
	if f.noCache && err == nil {
		if dir, err = os.MkdirTemp("", "plimsoll-cache-"); err == nil {
			clean = func() { _ = os.RemoveAll(dir) }
		}
	}
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err == nil {
		err = local.Cache{Dir: dir}.Writable()
	}
	if err != nil && !f.noCache {
		log.Warnf("building without a cache: %v", err)
		if dir, err = os.MkdirTemp("", "plimsoll-cache-"); err == nil {
			clean = func() { _ = os.RemoveAll(dir) }
		}
	}
	if err != nil {
		return local.Options{}, nil, fmt.Errorf("making the cache directory: %w", err)
	}
	return local.Options{
		Tool: p.tool, Context: p.context, Resolver: p.resolver, CacheDir: dir,
		Progress: func(step local.Step) {
			log.Info(strings.TrimRight(fmt.Sprintf("%s: %s %s", step.Platform, step.Verb, step.Name), " "))
		},
	}, clean, nil
}

// outputWords are the outputs in buildx's words; without any, a layout directory.
func (f *buildFlags) outputWords(layout string) ([]string, error) {
	words := append([]string{}, f.outputs...)
	if f.push {
		words = append(words, "type=image,push=true")
	}
	if f.load {
		words = append(words, "type=docker")
	}
	if len(words) == 0 && f.target == "" {
		words = []string{"type=oci,tar=false,dest=" + layout}
	}
	if len(words) == 0 {
		return nil, usagef("--target %s needs a directory: -o DIR", f.target)
	}
	return words, nil
}

// parseOutputs finds mistakes before anything is built.
func parseOutputs(words []string, f *buildFlags, platforms int) ([]export.Output, error) {
	annotations, err := annotated(f.annotations)
	if err != nil {
		return nil, err
	}
	var outputs []export.Output
	stdout := 0
	for _, word := range words {
		o, err := export.Parse(word)
		if err == nil {
			err = o.Check(f.tags, platforms)
		}
		if err != nil {
			return nil, usageError{err}
		}
		if o.Dest == export.Stdout {
			stdout++
		}
		if stdout > 1 {
			return nil, usagef("two outputs cannot both go to stdout")
		}
		if o.Annotations == nil {
			o.Annotations = map[string]string{}
		}
		for key, value := range annotations {
			o.Annotations[key] = value
		}
		outputs = append(outputs, o)
	}
	return outputs, nil
}
