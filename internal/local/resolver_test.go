package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

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
			for _, want := range test.problems {
				if err == nil || !strings.Contains(err.Error(), want) {
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

func (noInternet) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Hostname() != "127.0.0.1" {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: fmt.Errorf("no route to %s", r.URL.Host)}
	}
	return http.DefaultTransport.RoundTrip(r)
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
