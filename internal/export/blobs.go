package export

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// blob is content under its digest.
type blob struct {
	hash v1.Hash
	size int64
	open func() (io.ReadCloser, error)
}

func raw(data []byte) blob {
	hash, size, _ := v1.SHA256(bytes.NewReader(data)) // reading memory does not fail
	return blob{hash, size, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}
}

// copyTo writes the blob, which must be of the length that its descriptor says.
func (b blob) copyTo(ctx context.Context, w io.Writer) error {
	r, err := b.open()
	if err != nil {
		return fmt.Errorf("opening blob %s: %w", b.hash, err)
	}
	defer r.Close()
	n, err := io.Copy(w, canceller{ctx, r})
	if err != nil {
		return fmt.Errorf("copying blob %s: %w", b.hash, err)
	}
	if n != b.size {
		return fmt.Errorf("blob %s has %d bytes, not %d", b.hash, n, b.size)
	}
	return nil
}

// blobs are all blobs of the artifact, each once, sorted by digest.
func (a Artifact) blobs() ([]blob, error) {
	images, err := a.images()
	if err != nil {
		return nil, err
	}
	var all []blob
	if a.Index != nil {
		data, err := a.Index.RawManifest()
		if err != nil {
			return nil, fmt.Errorf("reading the index: %w", err)
		}
		all = append(all, raw(data))
	}
	for _, i := range images {
		of, err := imageBlobs(i.image)
		if err != nil {
			return nil, err
		}
		all = append(all, of...)
	}
	slices.SortFunc(all, func(a, b blob) int { return cmp.Compare(a.hash.Hex, b.hash.Hex) })
	return slices.CompactFunc(all, func(a, b blob) bool { return a.hash == b.hash }), nil
}

func imageBlobs(img v1.Image) ([]blob, error) {
	manifest, err := img.RawManifest()
	if err != nil {
		return nil, fmt.Errorf("reading the manifest: %w", err)
	}
	config, err := img.RawConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading the config: %w", err)
	}
	layers, err := img.Layers()
	if err != nil {
		return nil, fmt.Errorf("reading the layers: %w", err)
	}
	all := []blob{raw(manifest), raw(config)}
	for _, l := range layers {
		hash, err := l.Digest()
		if err != nil {
			return nil, fmt.Errorf("reading a layer: %w", err)
		}
		size, err := l.Size()
		if err != nil {
			return nil, fmt.Errorf("reading a layer: %w", err)
		}
		all = append(all, blob{hash, size, l.Compressed})
	}
	return all, nil
}
