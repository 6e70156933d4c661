package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// openLayout finds the images of an OCI layout: those of a tag or of a digest of its
// index; an empty name means all.
func openLayout(ctx context.Context, s store, name string) ([]Subject, error) {
	if _, err := readAll(s, ocispec.ImageLayoutFile, maxManifest); err != nil {
		return nil, fmt.Errorf("not an OCI layout: %w", err)
	}
	raw, err := readAll(s, ocispec.ImageIndexFile, maxManifest)
	if err != nil {
		return nil, err
	}
	var index v1.IndexManifest
	if err := json.Unmarshal(raw, &index); err != nil {
		return nil, fmt.Errorf("reading %s: %w", ocispec.ImageIndexFile, err)
	}
	descriptors := index.Manifests
	if name != "" {
		descriptors = slices.DeleteFunc(slices.Clone(descriptors), func(d v1.Descriptor) bool { return !named(d, name) })
	}
	from := layout{s}
	subjects, err := (&search{from: from}).expandAll(ctx, descriptors, 0)
	if name != "" { // attestations have no name of their own
		attach(subjects, from, slices.DeleteFunc(index.Manifests, func(d v1.Descriptor) bool { return named(d, name) }))
	}
	return subjects, err
}

// named reports whether a descriptor has a digest, or a tag: alone or at the end of a
// reference.
func named(d v1.Descriptor, name string) bool {
	ref := d.Annotations[ocispec.AnnotationRefName]
	return d.Digest.String() == name || ref == name || strings.HasSuffix(ref, ":"+name)
}

// layout has the manifests of an OCI layout.
type layout struct{ store store }

func (l layout) document(_ context.Context, d v1.Descriptor) ([]byte, error) {
	return readAll(l.store, blobName(d.Digest.Algorithm, d.Digest.Hex), maxManifest)
}

func (l layout) image(_ context.Context, _ v1.Descriptor, raw []byte) source {
	return layoutSource{l.store, raw}
}

type layoutSource struct {
	store store
	raw   []byte
}

func (s layoutSource) manifest() ([]byte, error) { return s.raw, nil }

func (s layoutSource) config(m *v1.Manifest) ([]byte, error) {
	return readAll(s.store, blobName(m.Config.Digest.Algorithm, m.Config.Digest.Hex), maxConfig)
}

func (s layoutSource) layers(m *v1.Manifest) ([]blob, error) {
	var blobs []blob
	for _, d := range m.Layers {
		blobs = append(blobs, blob{&d, func() (io.ReadCloser, error) {
			return s.store.open(blobName(d.Digest.Algorithm, d.Digest.Hex))
		}})
	}
	return blobs, nil
}
