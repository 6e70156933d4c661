package export

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/distribution/reference"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sync/errgroup"
)

// NewPusher carries pushes to registries with docker's credentials. A token, and what a repository
// is known to hold, serve all pushes that it carries.
func NewPusher() (*remote.Pusher, error) {
	pusher, err := remote.NewPusher(remote.WithAuthFromKeychain(authn.DefaultKeychain))
	if err != nil {
		return nil, fmt.Errorf("preparing a push: %w", err)
	}
	return pusher, nil
}

// Ahead brings layers to the repositories that outputs push to, before there is an image: those of
// a base are known while the service still compiles. It returns when they are there, or the context
// has ended. Errors are left to Write, which needs the layers.
func Ahead(ctx context.Context, outputs []Output, layers []v1.Layer, o Options) {
	var group errgroup.Group
	group.SetLimit(aheadJobs)
	for _, out := range outputs {
		refs, err := out.refs(o.Names)
		if err != nil || !out.Push {
			continue
		}
		for _, ref := range refs {
			tag, err := name.NewTag(ref.String())
			if err != nil {
				continue
			}
			for _, l := range layers {
				group.Go(func() error {
					_ = o.Pusher.Upload(ctx, tag.Context(), l)
					return nil
				})
			}
		}
	}
	_ = group.Wait()
}

// aheadJobs is how many layers go to registries at once, as in a push.
const aheadJobs = 4

// push writes the artifact under each name. The manifest comes last: a push that
// fails leaves blobs that no name points to.
func push(ctx context.Context, a Artifact, refs []reference.NamedTagged, o Options) error {
	if o.Pusher == nil {
		var err error
		if o.Pusher, err = NewPusher(); err != nil {
			return err
		}
	}
	for _, ref := range refs {
		tag, err := name.NewTag(ref.String())
		if err != nil {
			return fmt.Errorf("pushing %s: %w", ref, err)
		}
		if err := o.Pusher.Push(ctx, tag, a.manifest()); err != nil {
			return fmt.Errorf("pushing %s: %w", ref, explain(reference.Domain(ref), err))
		}
	}
	return nil
}

// explain says what to do about a registry that refuses.
func explain(host string, err error) error {
	e, ok := errors.AsType[*transport.Error](err)
	if ok && (e.StatusCode == http.StatusUnauthorized || e.StatusCode == http.StatusForbidden) {
		return fmt.Errorf("registry %s refuses: run `docker login %s` (%w)", host, host, err)
	}
	return err
}
