package export

import (
	"context"
	"fmt"
	"io"

	"github.com/distribution/reference"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Options hold for all outputs of a Write.
type Options struct {
	// Names are image names (-t) for outputs that have none of their own.
	Names []string
	// Stdout is where an output with the Dest Stdout goes.
	Stdout io.Writer
	// Pusher carries pushes, with all that it knows of registries from before (Ahead); nil is a new
	// one for each output.
	Pusher *remote.Pusher
}

// Written is an output that is complete.
type Written struct {
	Output Output
	// Digest is the manifest's or index's there: it follows the output's annotations.
	Digest v1.Hash
	// Names are the names it has there, spelled out.
	Names []string
}

// Write puts the artifact into each output in turn. All outputs are checked
// before the first is written; after an error or a cancel, those in the result
// are complete and the others do not exist or are what they were.
func Write(ctx context.Context, a Artifact, outputs []Output, o Options) ([]Written, error) {
	images, err := a.images()
	if err != nil {
		return nil, err
	}
	for _, out := range outputs {
		if err := out.Check(o.Names, len(images)); err != nil {
			return nil, fmt.Errorf("output type=%s: %w", out.Type, err)
		}
	}
	var done []Written
	for _, out := range outputs {
		w, err := writeOne(ctx, a, out, o)
		if err != nil {
			return done, fmt.Errorf("exporting to %s: %w", out.describe(), err)
		}
		done = append(done, w)
	}
	return done, nil
}

func writeOne(ctx context.Context, a Artifact, out Output, o Options) (Written, error) {
	a, err := a.annotate(out.Annotations)
	if err != nil {
		return Written{}, err
	}
	refs, err := out.refs(o.Names)
	if err != nil {
		return Written{}, err
	}
	w := Written{Output: out}
	for _, r := range refs {
		w.Names = append(w.Names, r.String())
	}
	if w.Digest, err = a.manifest().Digest(); err != nil {
		return Written{}, fmt.Errorf("computing the digest: %w", err)
	}
	return w, dispatch(ctx, a, out, refs, o)
}

func dispatch(ctx context.Context, a Artifact, out Output, refs []reference.NamedTagged, o Options) error {
	archive := func(w io.Writer) error { return writeArchive(ctx, w, a, refs, out.Type == TypeDocker) }
	switch {
	case out.Push:
		return push(ctx, a, refs, o)
	case out.Type == TypeOCI && out.Dir:
		return replaceLayout(out.Dest, func(dir string) error { return writeLayout(ctx, dir, a, refs) })
	case out.Type == TypeLocal:
		return fillDirectory(out.Dest, func(dir string) error { return unpackAll(ctx, dir, a) })
	case out.Type == TypeTar:
		return writeFile(out.Dest, o.Stdout, func(w io.Writer) error { return writeRootTar(ctx, w, a) })
	case out.Type == TypeDocker && out.Dest == "":
		return load(ctx, archive)
	}
	return writeFile(out.Dest, o.Stdout, archive)
}

func (o Output) describe() string {
	switch {
	case o.Push:
		return "a registry"
	case o.Dest == "":
		return "docker"
	case o.Dest == Stdout:
		return "stdout"
	}
	return o.Dest
}

// canceller stops a copy when its context ends.
type canceller struct {
	ctx context.Context
	r   io.Reader
}

func (c canceller) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
