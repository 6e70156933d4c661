package export

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
)

// Artifact is what is exported: an image, or an index if there are several
// platforms. One field is set.
type Artifact struct {
	Image v1.Image
	Index v1.ImageIndex
}

// manifest is what a name points to.
type manifest interface {
	partial.Describable
	partial.WithRawManifest
}

func (a Artifact) manifest() manifest {
	if a.Index != nil {
		return a.Index
	}
	return a.Image
}

// platformImage is one image of an artifact; its platform is nil without an index.
type platformImage struct {
	platform *v1.Platform
	image    v1.Image
}

func (a Artifact) images() ([]platformImage, error) {
	if a.Index == nil {
		if a.Image == nil {
			return nil, errors.New("there is no image to export")
		}
		return []platformImage{{nil, a.Image}}, nil
	}
	m, err := a.Index.IndexManifest()
	if err != nil {
		return nil, fmt.Errorf("reading the index: %w", err)
	}
	var images []platformImage
	for _, d := range m.Manifests {
		img, err := a.Index.Image(d.Digest)
		if err != nil {
			return nil, fmt.Errorf("reading the image %s of the index: %w", d.Digest, err)
		}
		images = append(images, platformImage{d.Platform, img})
	}
	return images, nil
}

// annotate adds annotations to the manifest of each platform.
func (a Artifact) annotate(annotations map[string]string) (Artifact, error) {
	if len(annotations) == 0 {
		return a, nil
	}
	images, err := a.images()
	if err != nil {
		return Artifact{}, err
	}
	var adds []mutate.IndexAddendum
	for _, i := range images {
		img, err := annotateImage(i.image, annotations)
		if err != nil {
			return Artifact{}, fmt.Errorf("annotating the manifest: %w", err)
		}
		if a.Index == nil {
			return Artifact{Image: img}, nil
		}
		adds = append(adds, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: i.platform}})
	}
	return Artifact{Index: mutate.AppendManifests(empty.Index, adds...)}, nil
}

// annotated is an image under another manifest. go-containerregistry's mutate
// would write the config anew, without the fields that it does not know.
type annotated struct {
	v1.Image
	raw []byte
}

func annotateImage(img v1.Image, annotations map[string]string) (v1.Image, error) {
	m, err := img.Manifest()
	if err != nil {
		return nil, err
	}
	m = m.DeepCopy()
	all := maps.Clone(m.Annotations)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, annotations)
	m.Annotations = all
	raw, err := json.MarshalIndent(m, "", "  ")
	return annotated{img, raw}, err
}

// RawManifest is the manifest with its annotations.
func (a annotated) RawManifest() ([]byte, error) { return a.raw, nil }

// Manifest is RawManifest, decoded.
func (a annotated) Manifest() (*v1.Manifest, error) { return partial.Manifest(a) }

// Digest is that of RawManifest.
func (a annotated) Digest() (v1.Hash, error) { return partial.Digest(a) }

// Size is that of RawManifest, in bytes.
func (a annotated) Size() (int64, error) { return partial.Size(a) }
