package testenv

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// baseImage is an OCI layout in the cache and the names that it is served under.
type baseImage struct {
	layout string
	// repositories are name:tag without a registry: the mirrors serve them for any.
	repositories []string
}

// baseImages makes what the cache does not hold yet.
func baseImages(ctx context.Context, tools Tools, wholeGo bool) ([]baseImage, error) {
	dockerfile := func(ctx context.Context) (baseImage, error) { return dockerfileImage(ctx, tools) }
	toolchain := func(ctx context.Context) (baseImage, error) { return toolchainImage(ctx, wholeGo) }
	var images []baseImage
	for _, write := range []func(context.Context) (baseImage, error){toolchain, staticImage, scannerImage, dockerfile} {
		image, err := write(ctx)
		if err != nil {
			return nil, err
		}
		images = append(images, image)
	}
	return images, nil
}

// push makes the registry serve the image under its names. The blobs are there
// already, so only manifests travel.
func (b baseImage) push(ctx context.Context, registry string, auth remote.Option) error {
	root, err := layout.ImageIndexFromPath(b.layout)
	if err != nil {
		return fmt.Errorf("reading the base image %s: %w", b.layout, err)
	}
	manifest, err := root.IndexManifest()
	if err != nil {
		return fmt.Errorf("reading the base image %s: %w", b.layout, err)
	}
	index, err := root.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		return fmt.Errorf("reading the base image %s: %w", b.layout, err)
	}
	for _, repository := range b.repositories {
		ref, err := name.ParseReference(registry + "/" + repository)
		if err != nil {
			return fmt.Errorf("naming a base image: %w", err)
		}
		if err := remote.WriteIndex(ref, index, remote.WithContext(ctx), auth); err != nil {
			return fmt.Errorf("pushing %s: %w", ref, err)
		}
	}
	return nil
}

// platformImage is one platform of a base image.
type platformImage struct {
	platform v1.Platform
	config   v1.Config
	comment  string
	layers   []v1.Layer
}

func (p platformImage) image() (v1.Image, error) {
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	config := &v1.ConfigFile{
		OS: p.platform.OS, Architecture: p.platform.Architecture, Variant: p.platform.Variant,
		Config: p.config, Created: v1.Time{Time: imageTime}, RootFS: v1.RootFS{Type: "layers"},
	}
	image, err := mutate.ConfigFile(image, config)
	if err != nil {
		return nil, err
	}
	for _, layer := range p.layers {
		image, err = mutate.Append(image, mutate.Addendum{
			Layer: layer, MediaType: types.OCILayer,
			History: v1.History{Created: v1.Time{Time: imageTime}, CreatedBy: p.comment},
		})
		if err != nil {
			return nil, err
		}
	}
	return image, nil
}

// writeIndex writes the platforms as one index into the OCI layout dir/layout.
func writeIndex(dir string, platforms ...platformImage) error {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range platforms {
		image, err := p.image()
		if err != nil {
			return err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: &p.platform},
		})
	}
	path, err := layout.Write(filepath.Join(dir, "layout"), empty.Index)
	if err != nil {
		return err
	}
	return path.AppendIndex(index)
}
