package local

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/containerd/platforms"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// picked is an image with its config, which is read already.
type picked struct {
	image  v1.Image
	config []byte
}

// pick is the image for a platform: the best that runs there, as BuildKit chooses,
// but never one of another architecture (containerd takes arm for arm64).
func (f *found) pick(want ocispec.Platform) (picked, error) {
	var img v1.Image
	var err error
	if f.desc.MediaType.IsIndex() {
		img, err = f.pickFromIndex(want)
	} else {
		img, err = f.image()
	}
	if err != nil {
		return picked{}, err
	}
	config, err := img.RawConfigFile()
	if err != nil {
		return picked{}, fmt.Errorf("reading its config: %w", err)
	}
	if !f.desc.MediaType.IsIndex() {
		has, err := platformOf(config)
		if err != nil {
			return picked{}, err
		}
		if !runs(want, has) {
			return picked{}, noPlatform(want, []ocispec.Platform{has})
		}
	}
	return picked{img, config}, nil
}

func (f *found) pickFromIndex(want ocispec.Platform) (v1.Image, error) {
	index, err := f.index()
	if err != nil {
		return nil, err
	}
	m, err := index.IndexManifest()
	if err != nil {
		return nil, fmt.Errorf("reading its index: %w", err)
	}
	var have []ocispec.Platform
	var best *v1.Descriptor
	var bestPlatform ocispec.Platform
	order := platforms.Only(want)
	for _, d := range m.Manifests {
		if !d.MediaType.IsImage() || d.Platform == nil || d.Platform.OS == "unknown" {
			continue // an attestation, or a nested index, which no base image has
		}
		p := platforms.Normalize(ocispec.Platform{OS: d.Platform.OS, Architecture: d.Platform.Architecture,
			Variant: d.Platform.Variant, OSVersion: d.Platform.OSVersion, OSFeatures: d.Platform.OSFeatures})
		have = append(have, p)
		if runs(want, p) && (best == nil || order.Less(p, bestPlatform)) {
			best, bestPlatform = &d, p
		}
	}
	if best == nil {
		return nil, noPlatform(want, have)
	}
	return index.Image(best.Digest)
}

// platformOf reads the platform from the config of an image without an index.
func platformOf(config []byte) (ocispec.Platform, error) {
	var p ocispec.Platform
	if err := json.Unmarshal(config, &p); err != nil {
		return p, fmt.Errorf("reading its config: %w", err)
	}
	return platforms.Normalize(p), nil
}

func runs(want, has ocispec.Platform) bool {
	return platforms.Only(want).Match(has) && has.Architecture == platforms.Normalize(want).Architecture
}

func noPlatform(want ocispec.Platform, have []ocispec.Platform) error {
	var names []string
	for _, p := range have {
		names = append(names, platforms.FormatAll(p))
	}
	return fmt.Errorf("it has no image for %s, only for %s", platforms.FormatAll(want), strings.Join(names, ", "))
}
