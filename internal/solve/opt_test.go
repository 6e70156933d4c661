package solve

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client"
)

func TestFrontendAttrs(t *testing.T) {
	dir := t.TempDir()
	spec := filepath.Join(dir, "plimsoll.yaml")
	write(t, spec, "# syntax=example.com/plimsoll:1 --flag\napiVersion: plimsoll.build/v1\n")
	got, err := solveOpt(Request{
		Context: dir, Spec: spec, Target: "binary", Platforms: []string{"linux/amd64", "linux/arm64"},
		BuildArgs: map[string]string{"SOURCE_DATE_EPOCH": "1", "EMPTY": ""},
		Labels:    map[string]string{"a.b": "c=d"}, Attest: map[string]string{"sbom": "generator=x"},
		NoCache: true, Pull: true,
		Contexts: map[string]string{
			"docker.io/library/golang:1.26": "docker-image://example.com/go:1",
			"static":                        "https://example.com/repo.git#main:dir",
			"context":                       dir,
		},
		CacheFrom: []string{"example.com/cache"}, CacheTo: []string{"type=registry,ref=example.com/cache,mode=max"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"source": "example.com/plimsoll:1", "cmdline": "example.com/plimsoll:1 --flag", "filename": "plimsoll.yaml",
		"target": "binary", "platform": "linux/amd64,linux/arm64", "no-cache": "", "image-resolve-mode": "pull",
		"build-arg:SOURCE_DATE_EPOCH": "1", "build-arg:EMPTY": "", "label:a.b": "c=d", "attest:sbom": "generator=x",
		"context:golang:1.26": "docker-image://example.com/go:1", "context:static": "https://example.com/repo.git#main:dir",
		"context:context": "local:_context", "sharedkey:localdir:context": filepath.Base(dir),
		"frontend.caps": "moby.buildkit.frontend.contexts",
	}
	if diff := cmp.Diff(want, got.FrontendAttrs); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	for _, name := range []string{"context", "dockerfile", "_context"} {
		if got.LocalMounts[name] == nil {
			t.Errorf("no local directory %s", name)
		}
	}
	caches := []client.CacheOptionsEntry{{Type: "registry", Attrs: map[string]string{"ref": "example.com/cache"}}}
	if diff := cmp.Diff(caches, got.CacheImports); diff != "" {
		t.Errorf("cache imports (-want +got):\n%s", diff)
	}
	if got.CacheExports[0].Attrs["mode"] != "max" {
		t.Errorf("cache exports %v", got.CacheExports)
	}
}

func TestURLContext(t *testing.T) {
	const url = "https://example.com/repo.git#main"
	remote, err := solveOpt(Request{Context: url, Spec: "sub/plimsoll.yaml", Frontend: "example.com/fe"})
	if err != nil {
		t.Fatal(err)
	}
	if remote.FrontendAttrs["context"] != url || remote.FrontendAttrs["filename"] != "sub/plimsoll.yaml" || len(remote.LocalMounts) != 0 {
		t.Errorf("spec in the URL: %v %v", remote.FrontendAttrs, remote.LocalMounts)
	}
	spec := filepath.Join(t.TempDir(), "plimsoll.yaml")
	write(t, spec, "# syntax=example.com/fe\n")
	local, err := solveOpt(Request{Context: url, Spec: spec})
	if err != nil {
		t.Fatal(err)
	}
	if local.FrontendAttrs["dockerfilekey"] != "dockerfile" || local.LocalMounts["dockerfile"] == nil {
		t.Errorf("local spec: %v %v", local.FrontendAttrs, local.LocalMounts)
	}
}

func TestRequestErrors(t *testing.T) {
	dir := t.TempDir()
	spec, plain := filepath.Join(dir, "plimsoll.yaml"), filepath.Join(dir, "plain.yaml")
	write(t, spec, "# syntax=example.com/fe\n")
	write(t, plain, "apiVersion: plimsoll.build/v1\n")
	bad := func(change func(*Request)) Request {
		r := Request{Context: dir, Spec: spec}
		change(&r)
		return r
	}
	tests := []struct {
		name string
		r    Request
		want error
	}{
		{"no syntax line", bad(func(r *Request) { r.Spec = plain }), ErrNoSyntax},
		{"no syntax line to read", bad(func(r *Request) { r.Context = "https://example.com/a.git"; r.Spec = "x.yaml" }), ErrNoSyntax},
		{"no spec", bad(func(r *Request) { r.Spec = filepath.Join(dir, "none") }), os.ErrNotExist},
		{"no context", bad(func(r *Request) { r.Context = filepath.Join(dir, "none") }), os.ErrNotExist},
		{"context is a file", bad(func(r *Request) { r.Context = spec }), nil},
		{"bad secret", bad(func(r *Request) { r.Secrets = []string{"id=a,path=b"} }), nil},
		{"secret not there", bad(func(r *Request) { r.Secrets = []string{"id=a,src=" + dir + "/none"} }), os.ErrNotExist},
		{"bad cache", bad(func(r *Request) { r.CacheTo = []string{"mode=max"} }), nil},
		{"bad context name", bad(func(r *Request) { r.Contexts = map[string]string{"A B": dir} }), nil},
		{"named context not there", bad(func(r *Request) { r.Contexts = map[string]string{"a": dir + "/none"} }), os.ErrNotExist},
		{"not a layout", bad(func(r *Request) { r.Contexts = map[string]string{"a": "oci-layout://" + dir} }), os.ErrNotExist},
		{"bad digest", bad(func(r *Request) { r.Contexts = map[string]string{"a": "oci-layout://" + dir + "@sha256:12"} }), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := solveOpt(tt.r)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
}

func TestSplitLayout(t *testing.T) {
	const dgst = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	tests := []struct{ value, dir, tag, digest string }{
		{"a/b", "a/b", "", ""},
		{"a/b:1.2", "a/b", "1.2", ""},
		{"a:b/c", "a:b/c", "", ""},
		{"/a@" + dgst, "/a", "", dgst},
		{"/a:1@" + dgst, "/a", "1", dgst},
		{`C:\layout`, `C:\layout`, "", ""},
	}
	for _, tt := range tests {
		dir, tag, got, err := splitLayout(tt.value)
		if err != nil || dir != tt.dir || tag != tt.tag || got.String() != tt.digest {
			t.Errorf("%s: %s %s %s %v", tt.value, dir, tag, got, err)
		}
	}
}

func TestMetadataFile(t *testing.T) {
	r := newResult(map[string]string{
		"containerimage.digest":     "sha256:1",
		"containerimage.descriptor": "eyJzaXplIjoxfQ==",
		"image.name":                "a,b",
	}, nil)
	data, err := r.MetadataFile()
	if err != nil {
		t.Fatal(err)
	}
	if r.Digest != "sha256:1" || !strings.Contains(string(data), `"size": 1`) || !strings.Contains(string(data), `"image.name": "a,b"`) {
		t.Errorf("%s\n%s", r.Digest, data)
	}
}
