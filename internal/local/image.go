package local

import (
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/opencontainers/go-digest"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// image is a v1.Image made of given bytes: config and manifest are kept as they
// were written, and the layers as they are, so that a base's stay in their
// registry until someone reads them, and a push can mount them there.
type image struct {
	config, manifest []byte
	layers           []v1.Layer
	byDigest, byDiff map[v1.Hash]v1.Layer
}

// newImage puts layers, ours last, under the plan's config.
func newImage(p plan.Plan, layers []v1.Layer) (v1.Image, error) {
	img := &image{byDigest: map[v1.Hash]v1.Layer{}, byDiff: map[v1.Hash]v1.Layer{}}
	var diffIDs []digest.Digest
	m := ocispec.Manifest{
		Versioned:   specs.Versioned{SchemaVersion: 2},
		MediaType:   ocispec.MediaTypeImageManifest,
		Annotations: p.Annotations,
	}
	for _, l := range layers {
		l, err := withOCIType(l)
		if err != nil {
			return nil, err
		}
		desc, err := partial.Descriptor(l)
		if err != nil {
			return nil, fmt.Errorf("describing a layer: %w", err)
		}
		diffID, err := l.DiffID()
		if err != nil {
			return nil, fmt.Errorf("describing a layer: %w", err)
		}
		img.layers = append(img.layers, l)
		img.byDigest[desc.Digest], img.byDiff[diffID] = l, l
		diffIDs = append(diffIDs, digest.Digest(diffID.String()))
		m.Layers = append(m.Layers, ocispec.Descriptor{
			MediaType: string(desc.MediaType), Digest: digest.Digest(desc.Digest.String()), Size: desc.Size, URLs: desc.URLs,
		})
	}
	err := checkHistory(p.Config.History, len(layers))
	if err != nil {
		return nil, err
	}
	if img.config, err = configFile(p.Config, diffIDs); err != nil {
		return nil, err
	}
	m.Config = ocispec.Descriptor{
		MediaType: ocispec.MediaTypeImageConfig, Digest: digest.FromBytes(img.config), Size: int64(len(img.config)),
	}
	if img.manifest, err = json.MarshalIndent(m, "", "  "); err != nil {
		return nil, fmt.Errorf("encoding the manifest: %w", err)
	}
	return img, nil
}

// Layers are the layers, bottom first.
func (i *image) Layers() ([]v1.Layer, error) { return i.layers, nil }

// MediaType is an OCI manifest's.
func (i *image) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

// Size is the number of bytes of the manifest.
func (i *image) Size() (int64, error) { return partial.Size(i) }

// ConfigName is the digest of the config.
func (i *image) ConfigName() (v1.Hash, error) { return partial.ConfigName(i) }

// ConfigFile is the config as far as go-containerregistry knows it.
func (i *image) ConfigFile() (*v1.ConfigFile, error) { return partial.ConfigFile(i) }

// RawConfigFile is the config as it is written.
func (i *image) RawConfigFile() ([]byte, error) { return i.config, nil }

// Digest is the digest of the manifest.
func (i *image) Digest() (v1.Hash, error) { return partial.Digest(i) }

// Manifest is the manifest, decoded.
func (i *image) Manifest() (*v1.Manifest, error) { return partial.Manifest(i) }

// RawManifest is the manifest as it is written.
func (i *image) RawManifest() ([]byte, error) { return i.manifest, nil }

// LayerByDigest finds a layer, or the config as a layer.
func (i *image) LayerByDigest(h v1.Hash) (v1.Layer, error) {
	if l, ok := i.byDigest[h]; ok {
		return l, nil
	}
	if config, err := i.ConfigName(); err == nil && h == config {
		return partial.ConfigLayer(i)
	}
	return nil, fmt.Errorf("the image has no layer %s", h)
}

// LayerByDiffID finds a layer by its uncompressed digest.
func (i *image) LayerByDiffID(h v1.Hash) (v1.Layer, error) {
	if l, ok := i.byDiff[h]; ok {
		return l, nil
	}
	return nil, fmt.Errorf("the image has no layer of the uncompressed digest %s", h)
}

// ociTypes are the Docker media types whose blobs are an OCI type's too.
var ociTypes = map[types.MediaType]types.MediaType{
	types.DockerLayer:             types.OCILayer,
	types.DockerUncompressedLayer: types.OCIUncompressedLayer,
	types.DockerForeignLayer:      types.OCIRestrictedLayer,
}

// typed is a layer under another media type.
type typed struct {
	v1.Layer
	mediaType types.MediaType
}

// MediaType is the type that the manifest says.
func (t typed) MediaType() (types.MediaType, error) { return t.mediaType, nil }

// withOCIType is the layer for an OCI manifest. A layer of a registry stays one,
// for a push to mount it.
func withOCIType(l v1.Layer) (v1.Layer, error) {
	mediaType, err := l.MediaType()
	if err != nil {
		return nil, fmt.Errorf("reading the media type of a layer: %w", err)
	}
	oci, ok := ociTypes[mediaType]
	if !ok {
		return l, nil
	}
	if m, ok := l.(*remote.MountableLayer); ok {
		return &remote.MountableLayer{Layer: typed{m.Layer, oci}, Reference: m.Reference}, nil
	}
	return typed{l, oci}, nil
}
