package verify

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func openRegistry(ctx context.Context, ref string, o OpenOptions) ([]Subject, error) {
	var opts []name.Option
	if o.Insecure {
		opts = append(opts, name.Insecure)
	}
	r, err := name.ParseReference(ref, opts...)
	if err != nil {
		return nil, err
	}
	keychain := o.Keychain
	if keychain == nil {
		keychain = authn.DefaultKeychain
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(keychain)}
	transport := o.Transport
	if transport == nil {
		transport = remote.DefaultTransport
	}
	options = append(options, remote.WithTransport(shortDocuments{transport}))
	puller, err := remote.NewPuller(options...) // one authentication for all requests
	if err != nil {
		return nil, err
	}
	desc, err := puller.Get(ctx, r)
	if err != nil {
		return nil, err
	}
	return (&search{from: registry{r.Context(), puller}}).expand(ctx, desc.Descriptor, 0)
}

// shortDocuments ends the manifests that a registry sends at the size that is read:
// go-containerregistry takes them whole, however long they are.
type shortDocuments struct{ http.RoundTripper }

// RoundTrip is http.RoundTripper's.
func (t shortDocuments) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.RoundTripper.RoundTrip(req)
	if err == nil && strings.Contains(req.URL.Path, "/manifests/") {
		resp.Body = shortBody{io.LimitReader(resp.Body, maxManifest+1), resp.Body}
	}
	return resp, err
}

type shortBody struct {
	io.Reader
	io.Closer
}

// registry has one repository's manifests.
type registry struct {
	repo   name.Repository
	puller *remote.Puller
}

func (r registry) document(ctx context.Context, d v1.Descriptor) ([]byte, error) {
	desc, err := r.puller.Get(ctx, r.repo.Digest(d.Digest.String()))
	if err != nil {
		return nil, err
	}
	if len(desc.Manifest) > maxManifest {
		return nil, fmt.Errorf("%d bytes: %w", len(desc.Manifest), ErrLimit)
	}
	return desc.Manifest, nil
}

func (r registry) image(ctx context.Context, d v1.Descriptor, raw []byte) source {
	fetch := sync.OnceValues(func() (v1.Image, error) {
		desc, err := r.puller.Get(ctx, r.repo.Digest(d.Digest.String()))
		if err != nil {
			return nil, err
		}
		return desc.Image()
	})
	return registrySource{raw, fetch}
}

// registrySource is an image of which the manifest was fetched.
type registrySource struct {
	raw   []byte
	fetch func() (v1.Image, error)
}

func (s registrySource) manifest() ([]byte, error) { return s.raw, nil }

func (s registrySource) config(m *v1.Manifest) ([]byte, error) {
	img, err := s.fetch()
	if err != nil {
		return nil, err
	}
	return imageSource{img}.config(m)
}

func (s registrySource) layers(m *v1.Manifest) ([]blob, error) {
	img, err := s.fetch()
	if err != nil {
		return nil, err
	}
	return imageSource{img}.layers(m)
}
