package local

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/opencontainers/go-digest"

	"github.com/plimsoll-build/plimsoll/internal/facts"
	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// Resolver finds base images. It implements facts.Resolver, and remembers what it
// found: a tag that moves during a build does not split the platforms.
type Resolver struct {
	// Contexts are named contexts (buildx's --build-context) by name: a base of
	// that reference is taken from there.
	Contexts map[string]string
	// Mirrors are the hosts, with a path or without, to ask before a registry, by
	// the registry's host ("docker.io"). Loopback hosts are asked over http.
	Mirrors map[string][]string
	// Keychain holds credentials; nil is docker's configuration.
	Keychain authn.Keychain
	// Transport carries requests; nil is go-containerregistry's default.
	Transport http.RoundTripper
	// Keep is a Cache's directory, where manifests, configs and layers of bases stay for the
	// next build; empty keeps nothing.
	Keep string
	// Lifetime bounds requests that are made after Resolve and Open, when someone
	// reads a base's layers; nil is without end. It is the program's context, not
	// that of a single build: a built image outlives its build.
	Lifetime context.Context

	mu    sync.Mutex
	found map[string]*found
}

var _ facts.Resolver = (*Resolver)(nil)

// found is what a reference points to: an image or an index.
type found struct {
	desc  v1.Descriptor
	image func() (v1.Image, error)
	index func() (v1.ImageIndex, error)
}

// Resolve reads the digest that ref points to, and the config of its image for
// the platform. Errors say what happened; facts.Bases adds to which reference.
func (r *Resolver) Resolve(ctx context.Context, ref string, platform ocispec.Platform) (facts.Image, error) {
	full, err := normalize(ref)
	if err != nil {
		return facts.Image{}, err
	}
	f, err := r.find(ctx, ref, full)
	if err != nil {
		return facts.Image{}, err
	}
	img, err := await(ctx, func() (picked, error) { return f.pick(platform) })
	if err != nil {
		return facts.Image{}, explain(ref, err)
	}
	return facts.Image{Ref: full, Digest: digest.Digest(f.desc.Digest.String()), Config: img.config}, nil
}

// Open opens the base of a plan. That it is what the plan was made for is checked
// by its digest and by the digests of its layers, which are not read.
func (r *Resolver) Open(ctx context.Context, base plan.Base, platform ocispec.Platform) (v1.Image, error) {
	img, err := r.open(ctx, base, platform)
	if err != nil {
		return nil, fmt.Errorf("opening base image %s: %w", base.Ref, err)
	}
	return img, nil
}

func (r *Resolver) open(ctx context.Context, base plan.Base, platform ocispec.Platform) (v1.Image, error) {
	full, err := normalize(base.Ref)
	if err != nil {
		return nil, err
	}
	f, err := r.find(ctx, base.Ref, pin(full, base.Digest))
	if err != nil {
		return nil, err
	}
	if got := f.desc.Digest.String(); base.Digest != "" && got != base.Digest.String() {
		return nil, fmt.Errorf("it is %s now, but the plan wants %s", got, base.Digest)
	}
	img, err := await(ctx, func() (picked, error) { return f.pick(platform) })
	if err != nil {
		return nil, explain(base.Ref, err)
	}
	config, err := v1.ParseConfigFile(bytes.NewReader(img.config))
	if err != nil {
		return nil, fmt.Errorf("reading its config: %w", err)
	}
	var got []digest.Digest
	for _, d := range config.RootFS.DiffIDs {
		got = append(got, digest.Digest(d.String()))
	}
	if !slices.Equal(got, base.DiffIDs) {
		return nil, fmt.Errorf("its layers are not those that the plan was made for")
	}
	return img.image, nil
}

// find looks a reference up once: in the named contexts, by the name as written
// and in full, else in its registry.
func (r *Resolver) find(ctx context.Context, written, full string) (*found, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f, ok := r.found[full]; ok {
		return f, nil
	}
	f, err := r.look(ctx, written, full)
	if err != nil {
		return nil, err
	}
	if r.found == nil {
		r.found = map[string]*found{}
	}
	r.found[full] = f
	// A plan opens what was resolved for it by its digest.
	r.found[pin(full, digest.Digest(f.desc.Digest.String()))] = f
	return f, nil
}

func (r *Resolver) look(ctx context.Context, written, full string) (*found, error) {
	name, source, err := r.context(written, full)
	if err != nil {
		return nil, err
	}
	if source == "" {
		return r.fromRegistry(ctx, full)
	}
	f, err := r.fromContext(ctx, source)
	if err != nil {
		return nil, fmt.Errorf("named context %s=%s: %w", name, source, err)
	}
	return f, nil
}
