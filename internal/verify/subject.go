package verify

import (
	"cmp"
	"context"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Limits bound the work on one image. Zero fields mean the defaults.
type Limits struct {
	// Uncompressed is for all layers together, in bytes; default 8 GiB. Besides, a layer
	// that unpacks to more than 200 times its size is refused.
	Uncompressed int64
	// Entries is for all layers' tar entries together; default 262,144. Each costs some
	// 400 bytes of memory if all have names of their own.
	Entries int
	// Binary is for one binary that is looked into, in bytes; default 256 MiB.
	Binary int64
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Uncompressed: cmp.Or(l.Uncompressed, 8<<30),
		Entries:      cmp.Or(l.Entries, 1<<18),
		Binary:       cmp.Or(l.Binary, 256<<20),
	}
}

// Bounds on documents, which are read whole.
const (
	maxManifest = 1 << 20 // of 256 layers, some 60 KB
	maxConfig   = 4 << 20
	maxLayers   = 256 // overlayfs takes fewer
)

// Subject is one platform's image, not yet read.
type Subject struct {
	// Ref is the reference that named it.
	Ref string
	// Digest is the manifest's as the reference or the index names it; its zero
	// value is not known.
	Digest v1.Hash
	// Platform is the index descriptor's; nil outside an index.
	Platform *v1.Platform
	// Limits bound the work.
	Limits Limits
	// Ahead has read layers that may be the image's; nil if nobody has.
	Ahead *Ahead

	source source
	// attestations are those of the index that are about this image; of more than are read,
	// the number is kept.
	attestations     []attestation
	moreAttestations int
}

// source is where an image's bytes come from.
type source interface {
	// manifest is the raw manifest; nil if the form has none.
	manifest() ([]byte, error)
	// config is the raw config file.
	config(m *v1.Manifest) ([]byte, error)
	// layers are the blobs, bottom first.
	layers(m *v1.Manifest) ([]blob, error)
}

// blob is a layer as it is stored.
type blob struct {
	// desc is the manifest's; nil if the form has none.
	desc *v1.Descriptor
	open func() (io.ReadCloser, error)
}

// FromImage is the subject of an image that is at hand.
func FromImage(ref string, img v1.Image) Subject {
	return Subject{Ref: ref, source: imageSource{img}}
}

// imageSource reads through go-containerregistry.
type imageSource struct{ img v1.Image }

func (s imageSource) manifest() ([]byte, error) { return s.img.RawManifest() }

func (s imageSource) config(m *v1.Manifest) ([]byte, error) {
	if m.Config.Size > maxConfig {
		return nil, fmt.Errorf("config of %d bytes: %w", m.Config.Size, ErrLimit)
	}
	return s.img.RawConfigFile()
}

func (s imageSource) layers(m *v1.Manifest) ([]blob, error) {
	var blobs []blob
	for _, desc := range m.Layers {
		layer, err := s.img.LayerByDigest(desc.Digest)
		if err != nil {
			return nil, fmt.Errorf("finding layer %s: %w", desc.Digest, err)
		}
		blobs = append(blobs, blob{&desc, layer.Compressed})
	}
	return blobs, nil
}

// Image judges one image by all rules. It fails only if there is nothing to
// judge: manifest or config cannot be read, a limit is exceeded, or ctx is done.
func Image(ctx context.Context, s Subject) (Report, error) {
	in, err := inspect(ctx, s)
	if err != nil {
		return Report{}, fmt.Errorf("reading image %s: %w", s.Ref, err)
	}
	r := Report{Ref: s.Ref, Platform: in.platformName(), Labels: in.config.Config.Labels}
	if in.manifestDigest != (v1.Hash{}) {
		r.Digest = in.manifestDigest.String()
	}
	for _, p := range in.programs {
		if p.sha256 != "" {
			r.Binaries = append(r.Binaries, Binary{Path: p.path, SHA256: p.sha256, Size: p.size})
		}
	}
	for _, rule := range Rules() {
		r.Results = append(r.Results, rule.apply(in))
	}
	return r, nil
}

// All judges the images of one reference, and holds the platforms of an index
// against each other.
func All(ctx context.Context, subjects []Subject) (Reports, error) {
	var reports Reports
	for _, s := range subjects {
		r, err := Image(ctx, s)
		if err != nil {
			return nil, err
		}
		reports = append(reports, r)
	}
	shareNoBinary(reports)
	return reports, nil
}

// shareNoBinary fails the platform rule where two platforms hold the same binary:
// the commonest way to ship a broken index.
func shareNoBinary(reports Reports) {
	for i := range reports {
		for _, other := range reports {
			for _, b := range reports[i].Binaries {
				if other.Platform != reports[i].Platform && other.has(b.SHA256) {
					reports[i].failPlatform(Finding{Where: b.Path, Got: "the same bytes as in " + other.Platform, Want: "another binary for each platform"})
				}
			}
		}
	}
}

func (r Report) has(sha256 string) bool {
	for _, b := range r.Binaries {
		if b.SHA256 == sha256 {
			return true
		}
	}
	return false
}

func (r *Report) failPlatform(f Finding) {
	for i := range r.Results {
		if res := &r.Results[i]; res.Rule == "platform" {
			res.Verdict = Fail
			res.Findings = append(res.Findings, f)
		}
	}
}
