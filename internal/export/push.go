package export

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/distribution/reference"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// push writes the artifact under each name. The manifest comes last: a push that
// fails leaves blobs that no name points to.
func push(ctx context.Context, a Artifact, refs []reference.NamedTagged, o Options) error {
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	if o.Keychain != nil {
		options = append(options, remote.WithAuthFromKeychain(o.Keychain))
	}
	if o.Transport != nil {
		options = append(options, remote.WithTransport(o.Transport))
	}
	for _, ref := range refs {
		tag, err := name.NewTag(ref.String())
		if err != nil {
			return fmt.Errorf("pushing %s: %w", ref, err)
		}
		if err := remote.Push(tag, a.manifest(), options...); err != nil {
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
