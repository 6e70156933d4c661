package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/opencontainers/go-digest"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// server is a registry in this process that notes its requests.
type server struct {
	host string
	mu   sync.Mutex
	log  []string
}

func serve(t *testing.T) *server {
	t.Helper()
	s := &server{}
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.log = append(s.log, r.Method+" "+r.URL.String())
		s.mu.Unlock()
		switch {
		case strings.Contains(r.URL.Path, "/private/"):
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
		case strings.Contains(r.URL.Path, "/forbidden/"):
			w.WriteHeader(http.StatusForbidden)
		case strings.Contains(r.URL.Path, "/hanging/"):
			<-r.Context().Done()
		case r.Method == http.MethodHead && strings.Contains(r.URL.Path, "/app/blobs/"):
			w.WriteHeader(http.StatusNotFound) // the handler shares blobs between repositories
		case r.Method == http.MethodPost && r.URL.Query().Has("mount"):
			w.WriteHeader(http.StatusCreated)
		default:
			handler.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	s.host = strings.TrimPrefix(srv.URL, "http://")
	return s
}

// count counts the requests that contain all of the words.
func (s *server) count(words ...string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, line := range s.log {
		all := true
		for _, w := range words {
			all = all && strings.Contains(line, w)
		}
		if all {
			n++
		}
	}
	return n
}

// baseImage has two layers of Docker's media types and a StopTimeout, which
// go-containerregistry's config type does not know.
func baseImage(t *testing.T, arch string) v1.Image {
	t.Helper()
	img, err := random.Image(1000, 2)
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", arch
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	return img
}

func baseIndex(t *testing.T, archs ...string) v1.ImageIndex {
	t.Helper()
	index := mutate.IndexMediaType(empty.Index, types.DockerManifestList)
	for _, arch := range append(archs, "unknown") {
		os := "linux"
		if arch == "unknown" {
			os = "unknown" // an attestation, as buildx pushes them
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: baseImage(t, arch),
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: os, Architecture: arch}}})
	}
	return index
}

func push(t *testing.T, ref string, what remote.Taggable) {
	t.Helper()
	r, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	switch what := what.(type) {
	case v1.ImageIndex:
		err = remote.WriteIndex(r, what)
	case v1.Image:
		err = remote.Write(r, what)
	}
	if err != nil {
		t.Fatal(err)
	}
}

var amd64 = ocispec.Platform{OS: "linux", Architecture: "amd64"}

func TestResolve(t *testing.T) {
	s, mirror := serve(t), serve(t)
	index, single := baseIndex(t, "amd64", "arm"), baseImage(t, "amd64")
	push(t, s.host+"/team/base:1", index)
	push(t, s.host+"/team/single:latest", single)
	push(t, mirror.host+"/hub/library/alpine:3", single)
	dir := filepath.Join(t.TempDir(), "layout")
	l, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": "v1"})); err != nil {
		t.Fatal(err)
	}
	down := closedPort(t)
	r := &Resolver{
		Mirrors: map[string][]string{"docker.io": {down, mirror.host + "/hub"}, "ghcr.io": {mirror.host}},
		Contexts: map[string]string{
			"static": "docker-image://" + s.host + "/team/base:1", "docker.io/library/golang": "docker-image://" + s.host + "/team/single",
			"layout": "oci-layout://" + dir, "tagged:2": "oci-layout://" + dir + ":v1", "pinned": "oci-layout://" + dir + "@" + digestOf(t, index),
			"nolayout": "oci-layout://" + dir + "/nosuch", "notag": "oci-layout://" + dir + ":nosuch", "local": ".", "git": "https://example.com/x.git",
		},
		Transport: noInternet{},
	}
	arm64 := ocispec.Platform{OS: "linux", Architecture: "arm64"}
	for _, test := range []struct {
		ref      string
		platform ocispec.Platform
		full     string
		digest   string
		problems []string
	}{
		{ref: s.host + "/team/base:1", full: s.host + "/team/base:1", digest: digestOf(t, index)},
		{ref: s.host + "/team/base:1", platform: ocispec.Platform{OS: "linux", Architecture: "arm", Variant: "v7"}, digest: digestOf(t, index)},
		{ref: s.host + "/team/single", full: s.host + "/team/single:latest", digest: digestOf(t, single)},
		{ref: s.host + "/team/single@" + digestOf(t, single), digest: digestOf(t, single)},
		{ref: "alpine:3", full: "docker.io/library/alpine:3", digest: digestOf(t, single)},
		{ref: "static", full: "docker.io/library/static:latest", digest: digestOf(t, index)},
		{ref: "golang:latest", full: "docker.io/library/golang:latest", digest: digestOf(t, single)},
		{ref: "layout", digest: digestOf(t, index)},
		{ref: "tagged:2", digest: digestOf(t, index)},
		{ref: "pinned", digest: digestOf(t, index)},
		{ref: s.host + "/team/base:1", platform: arm64, problems: []string{"linux/arm64", "only for linux/amd64, linux/arm/v7"}},
		{ref: s.host + "/team/single", platform: arm64, problems: []string{"linux/arm64", "only for linux/amd64"}},
		{ref: s.host + "/team/nosuch:1", problems: []string{"not found in registry " + s.host}},
		{ref: s.host + "/private/x:1", problems: []string{"docker login " + s.host}},
		{ref: s.host + "/forbidden/x:1", problems: []string{"docker login " + s.host}},
		{ref: down + "/x/y:1", problems: []string{"registry " + down + " cannot be reached"}},
		{ref: "ghcr.io/nosuch/x:1", problems: []string{"registry ghcr.io cannot be reached", "mirror " + mirror.host}},
		{ref: "nolayout", problems: []string{"named context nolayout", "opening OCI layout"}},
		{ref: "notag", problems: []string{"named context notag", `"nosuch"`, "v1@sha256:"}},
		{ref: "local", problems: []string{"named context local", "--engine buildkit"}},
		{ref: "git", problems: []string{"named context git", "--engine buildkit"}},
		{ref: "Not A Ref", problems: []string{"Not A Ref"}},
	} {
		t.Run(test.ref+test.platform.Architecture, func(t *testing.T) {
			if test.platform.OS == "" {
				test.platform = amd64
			}
			got, err := r.Resolve(t.Context(), test.ref, test.platform)
			for _, want := range append(test.problems, test.ref) {
				if test.problems != nil && (err == nil || !strings.Contains(err.Error(), want)) {
					t.Errorf("error %v, want one with %q", err, want)
				}
			}
			if test.problems != nil {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Digest.String() != test.digest || (test.full != "" && got.Ref != test.full) {
				t.Errorf("resolved to %s %s, want %s %s", got.Ref, got.Digest, test.full, test.digest)
			}
			if want := fmt.Sprintf(`"architecture":%q`, test.platform.Architecture); !strings.Contains(string(got.Config), want) {
				t.Errorf("config lacks %s: %s", want, got.Config)
			}
		})
	}
}

// noInternet fails whatever is not on this machine, without waiting.
type noInternet struct{}

func (noInternet) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Hostname() != "127.0.0.1" {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: fmt.Errorf("no route to %s", r.URL.Host)}
	}
	return http.DefaultTransport.RoundTrip(r)
}

// closedPort is an address where nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// overBase is helloPlan above an image that was resolved.
func overBase(t *testing.T, r *Resolver, ref string) plan.Plan {
	t.Helper()
	p := helloPlan(t, "amd64")
	found, err := r.Resolve(t.Context(), ref, amd64)
	if err != nil {
		t.Fatal(err)
	}
	p.Base = plan.Base{Ref: found.Ref, Digest: found.Digest}
	img, err := v1.ParseConfigFile(strings.NewReader(string(found.Config)))
	if err != nil {
		t.Fatal(err)
	}
	created := time.Unix(0, 0).UTC()
	for _, d := range img.RootFS.DiffIDs {
		p.Base.DiffIDs = append(p.Base.DiffIDs, digest.Digest(d.String()))
		p.Config.History = append([]ocispec.History{{Created: &created, CreatedBy: "base"}}, p.Config.History...)
	}
	p.Config.Config.StopTimeout = new(42)
	return p
}

// A base's layers are listed, not read: a push to its registry mounts them.
func TestBase(t *testing.T) {
	s := serve(t)
	base := baseImage(t, "amd64")
	push(t, s.host+"/team/base:1", base)
	o := options(t, tree(t, t.TempDir(), hello()))
	o.Resolver = &Resolver{}
	p := overBase(t, o.Resolver, s.host+"/team/base:1")
	s.log = nil
	img := build(t, o, p).Images[0].Image
	push(t, s.host+"/team/app:1", img)
	layers, err := base.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range layers {
		_, hex, _ := strings.Cut(digestOf(t, l), ":")
		if n := s.count("GET", hex); n != 0 {
			t.Errorf("layer %s was read", hex)
		}
		if n := s.count("POST", "mount=", hex, "from=team%2Fbase"); n != 1 {
			t.Errorf("layer %s was mounted %d times, want once: %q", hex, n, s.log)
		}
	}
	pushed, err := remote.Image(mustRef(t, s.host+"/team/app:1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(pushed); err != nil {
		t.Error(err)
	}
	config, err := pushed.RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(config), `"StopTimeout":42`) {
		t.Errorf("StopTimeout is lost: %s", config)
	}
	m, err := pushed.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Layers) != 4 {
		t.Errorf("%d layers, want 4", len(m.Layers))
	}
	for _, l := range m.Layers {
		if l.MediaType != types.OCILayer {
			t.Errorf("layer of type %s in an OCI manifest", l.MediaType)
		}
	}
}

// Waiting for a registry ends with the context.
func TestResolveCancelled(t *testing.T) {
	s := serve(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	lifetime, end := context.WithCancel(t.Context())
	defer end() // or the server waits for the request
	_, err := (&Resolver{Lifetime: lifetime}).Resolve(ctx, s.host+"/hanging/x:1", amd64)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the context's", err)
	}
}

func mustRef(t *testing.T, ref string) name.Reference {
	t.Helper()
	r, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A plan is carried out over the base that it was made for, or not at all.
func TestBaseChanged(t *testing.T) {
	s := serve(t)
	push(t, s.host+"/team/base:1", baseImage(t, "amd64"))
	p := overBase(t, &Resolver{}, s.host+"/team/base:1")
	push(t, s.host+"/team/base:1", baseImage(t, "amd64"))
	if _, err := (&Resolver{}).Open(t.Context(), p.Base, amd64); err != nil {
		t.Errorf("the tag has moved, but the digest is there: %v", err)
	}
	moved := &Resolver{Contexts: map[string]string{p.Base.Ref: "docker-image://" + s.host + "/team/base:1"}}
	if _, err := moved.Open(t.Context(), p.Base, amd64); err == nil || !strings.Contains(err.Error(), "but the plan wants "+p.Base.Digest.String()) {
		t.Errorf("another image was taken: %v", err)
	}
	p.Base.DiffIDs = p.Base.DiffIDs[:1]
	if _, err := (&Resolver{}).Open(t.Context(), p.Base, amd64); err == nil || !strings.Contains(err.Error(), "layers are not those") {
		t.Errorf("other layers were taken: %v", err)
	}
}
