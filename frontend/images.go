package frontend

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plimsoll-build/plimsoll/internal/facts"
	"github.com/plimsoll-build/plimsoll/internal/planner"
)

// images resolves base images, and keeps what the build then stands on.
type images struct {
	*build
	mu      sync.Mutex
	states  map[string]llb.State // by platform
	configs map[string][]byte    // by platform
}

// Resolve reads a base image's digest and config for a platform (facts.Resolver).
func (i *images) Resolve(ctx context.Context, ref string, p ocispec.Platform) (facts.Image, error) {
	names := []string{ref}
	if planner.IsStatic(ref) {
		names = []string{planner.StaticContext, ref}
	}
	img, err := i.image(ctx, names, ref, p)
	if err != nil {
		return facts.Image{}, &keyError{"image.base", err}
	}
	id := platforms.Format(p)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.states[id], i.configs[id] = img.state, img.config
	return facts.Image{Ref: img.ref, Digest: img.digest, Config: img.config}, nil
}

// image is an image for one platform.
type image struct {
	ref    string // with the registry spelled out
	digest digest.Digest
	config []byte
	state  llb.State // with the config's environment
	named  bool      // a named context stands in for the reference
}

// image is the first of the named contexts that the client has given, else what the
// reference names in a registry.
func (b *build) image(ctx context.Context, contexts []string, ref string, p ocispec.Platform) (image, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return image{}, fmt.Errorf("%q is not an image reference: %w", ref, err)
	}
	named = reference.TagNameOnly(named)
	for _, name := range contexts {
		img := image{ref: named.String(), named: true}
		nc, err := b.NamedContext(name, dockerui.ContextOpt{
			Platform: &p, ResolveMode: b.ImageResolveMode.String(), CaptureDigest: &img.digest,
		})
		if err != nil {
			return image{}, fmt.Errorf("reading build context %s: %w", name, err)
		}
		if nc != nil {
			err := img.load(ctx, name, nc, p)
			return img, err
		}
	}
	return b.pull(ctx, named, p)
}

// load fills in an image from a named context. A directory has no config, and neither it
// nor a bake target has a digest.
func (i *image) load(ctx context.Context, name string, nc *dockerui.NamedContext, p ocispec.Platform) error {
	raw := &recorded{}
	state, parsed, err := nc.Load(context.WithValue(ctx, recordKey{}, raw))
	if err != nil {
		return fmt.Errorf("loading build context %s: %w", name, err)
	}
	if state == nil {
		return fmt.Errorf("build context %s holds nothing", name)
	}
	i.state, i.config = *state, raw.config
	switch {
	case i.config != nil:
	case parsed != nil:
		i.config, err = json.Marshal(parsed)
	default:
		i.config, err = json.Marshal(ocispec.Image{Platform: p})
	}
	return err
}

// pull resolves a reference in its registry and pins it to the digest found.
func (b *build) pull(ctx context.Context, named reference.Named, p ocispec.Platform) (image, error) {
	_, dgst, config, err := b.GatewayClient().ResolveImageConfig(ctx, named.String(), sourceresolver.Opt{
		LogName:  fmt.Sprintf("[internal] load metadata for %s", named),
		ImageOpt: &sourceresolver.ResolveImageOpt{Platform: &p, ResolveMode: b.ImageResolveMode.String()},
	})
	if err != nil {
		return image{}, err // it names the image, and callers say what it is for
	}
	pinned, err := reference.WithDigest(named, dgst)
	if err != nil {
		return image{}, fmt.Errorf("pinning image %s: %w", named, err)
	}
	state, err := llb.Image(pinned.String(), llb.Platform(p), b.ImageResolveMode).WithImageConfig(config)
	if err != nil {
		return image{}, fmt.Errorf("reading the config of %s: %w", named, err)
	}
	return image{ref: named.String(), digest: dgst, config: config, state: state}, nil
}

// recorder hands out configs as they are: a named context gives them decoded, without
// the fields that its type does not know.
type recorder struct{ client.Client }

type recordKey struct{}

type recorded struct{ config []byte }

// ResolveImageConfig records the config where the context asks for it.
func (r recorder) ResolveImageConfig(ctx context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	ref, dgst, config, err := r.Client.ResolveImageConfig(ctx, ref, opt)
	if rec, ok := ctx.Value(recordKey{}).(*recorded); ok && err == nil {
		rec.config = config
	}
	return ref, dgst, config, err
}
