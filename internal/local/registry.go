package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// fromRegistry asks the mirrors of a registry in turn, then the registry itself,
// whose error counts.
func (r *Resolver) fromRegistry(ctx context.Context, full string) (*found, error) {
	named, err := reference.ParseNormalizedNamed(full)
	if err != nil {
		return nil, err
	}
	host := reference.Domain(named)
	var failed []string
	for _, place := range append(slices.Clone(r.Mirrors[host]), host) {
		f, err := r.get(ctx, place+strings.TrimPrefix(full, host))
		switch {
		case err == nil:
			return f, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case place != host:
			failed = append(failed, fmt.Sprintf("mirror %s: %v", place, err))
			continue
		case len(failed) > 0:
			return nil, fmt.Errorf("%w (%s)", explain(full, err), strings.Join(failed, "; "))
		}
		return nil, explain(full, err)
	}
	return nil, fmt.Errorf("there is no registry for %s", full)
}

func (r *Resolver) get(ctx context.Context, full string) (*found, error) {
	ref, err := name.ParseReference(full)
	if err != nil {
		return nil, err
	}
	lifetime := r.Lifetime
	if lifetime == nil {
		lifetime = context.WithoutCancel(ctx)
	}
	options := []remote.Option{remote.WithContext(lifetime), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	if r.Keychain != nil {
		options = append(options, remote.WithAuthFromKeychain(r.Keychain))
	}
	if transport := r.transport(); transport != nil {
		options = append(options, remote.WithTransport(transport))
	}
	return await(ctx, func() (*found, error) {
		desc, err := remote.Get(ref, options...)
		if err != nil {
			return nil, err
		}
		return &found{desc: desc.Descriptor, image: desc.Image, index: desc.ImageIndex}, nil
	})
}

// transport is nil for go-containerregistry's own.
func (r *Resolver) transport() http.RoundTripper {
	if r.Keep == "" {
		return r.Transport
	}
	next := r.Transport
	if next == nil {
		next = remote.DefaultTransport
	}
	return keptBases{filepath.Join(r.Keep, baseDir), next}
}

// explain says what a registry's error means for a reference.
func explain(ref string, err error) error {
	named, parseErr := reference.ParseNormalizedNamed(ref)
	if parseErr != nil {
		return err
	}
	host := reference.Domain(named)
	if e, ok := errors.AsType[*transport.Error](err); ok {
		switch e.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden:
			return fmt.Errorf("registry %s does not let us read it: run `docker login %s` if it is there (%w)", host, host, err)
		case http.StatusNotFound:
			return fmt.Errorf("it was not found in registry %s: %w", host, err)
		}
		return fmt.Errorf("registry %s: %w", host, err)
	}
	if _, ok := errors.AsType[net.Error](err); ok && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("registry %s cannot be reached: %w", host, err)
	}
	return err
}
