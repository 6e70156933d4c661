package testenv

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Credentials are a user's name and password.
type Credentials struct{ User, Password string }

// Registry is an OCI registry on a loopback port, over plain HTTP.
type Registry struct {
	// Addr is its host and port, the first part of a reference.
	Addr string
	// Dir holds the blobs that were pushed.
	Dir     string
	server  *http.Server
	traffic *Traffic
}

// StartRegistry serves a registry whose blobs live in dir. With credentials, every
// request without them is answered 401. The layouts' blobs are there from the start.
func StartRegistry(ctx context.Context, dir string, auth *Credentials, layouts ...string) (*Registry, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("starting the registry: %w", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting the registry: %w", err)
	}
	store := &blobStore{dirs: []string{dir}}
	for _, layout := range layouts {
		store.dirs = append(store.dirs, filepath.Join(layout, "blobs"))
	}
	handler := registry.New(
		registry.WithBlobHandler(store),
		registry.WithReferrersSupport(true),
		registry.Logger(log.New(io.Discard, "", 0)),
	)
	if auth != nil {
		handler = basicAuth(handler, *auth)
	}
	traffic := new(Traffic)
	r := &Registry{Addr: listener.Addr().String(), Dir: dir, traffic: traffic, server: &http.Server{Handler: traffic.Count(handler)}}
	go func() { _ = r.server.Serve(listener) }()
	return r, nil
}

// Traffic is what travelled since the start.
func (r *Registry) Traffic() *Traffic { return r.traffic }

// Close stops the registry; its blobs stay in the directory.
func (r *Registry) Close() error { return r.server.Close() }

func basicAuth(next http.Handler, want Credentials) http.Handler {
	equal := func(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		user, password, _ := req.BasicAuth()
		if equal(user, want.User) && equal(password, want.Password) {
			next.ServeHTTP(w, req)
			return
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="bed"`)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`)
	})
}

// blobStore keeps blobs as files named by their digests. It writes to the first
// directory and reads from all: the others are OCI layouts of the cache, so that a
// base image is served without a copy.
type blobStore struct{ dirs []string }

func (b *blobStore) find(h v1.Hash) (string, fs.FileInfo, error) {
	for _, dir := range b.dirs {
		path := filepath.Join(dir, h.Algorithm, h.Hex)
		info, err := os.Stat(path)
		if err == nil {
			return path, info, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", nil, err
		}
	}
	return "", nil, registry.ErrNotFound
}

// Stat returns the blob's size in bytes.
func (b *blobStore) Stat(_ context.Context, _ string, h v1.Hash) (int64, error) {
	_, info, err := b.find(h)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Get opens the blob.
func (b *blobStore) Get(_ context.Context, _ string, h v1.Hash) (io.ReadCloser, error) {
	path, _, err := b.find(h)
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

// Put stores the blob; the registry's reader checks the digest while it is read.
func (b *blobStore) Put(_ context.Context, _ string, h v1.Hash, from io.ReadCloser) error {
	defer func() { _ = from.Close() }()
	dir := filepath.Join(b.dirs[0], h.Algorithm)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(b.dirs[0], "upload-")
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), filepath.Join(dir, h.Hex))
}

// Delete removes a blob that was pushed here.
func (b *blobStore) Delete(_ context.Context, _ string, h v1.Hash) error {
	return os.Remove(filepath.Join(b.dirs[0], h.Algorithm, h.Hex))
}
