package local

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plimsoll-build/plimsoll/internal/gotool"
	"github.com/plimsoll-build/plimsoll/internal/plan"
)

var hostTool = sync.OnceValues(func() (gotool.Tool, error) { return gotool.Find(context.Background(), os.Environ()) })

// tool is the go command that runs the tests.
func tool(t *testing.T) gotool.Tool {
	t.Helper()
	found, err := hostTool()
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// hello is a module with one program that embeds a file.
func hello() map[string]string {
	return map[string]string{
		"go.mod":       "module example.com/hello\n\ngo 1.26\n",
		"main.go":      "package main\n\nimport (\n\t_ \"embed\"\n\t\"example.com/hello/greet\"\n)\n\n//go:embed name.txt\nvar name string\n\nfunc main() { println(greet.Text + name) }\n",
		"name.txt":     "world",
		"greet/a.go":   "package greet\n\nconst Text = \"hello \"\n",
		"conf/a.yaml":  "a: 1\n",
		"conf/b.yaml":  "b: 2\n",
		"notes/x.md":   "not part of the build\n",
		"secret.token": "hunter2\n",
	}
}

// tree writes files below dir.
func tree(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for name, data := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(data), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// helloPlan is a plan of the module of hello for one platform, on scratch.
func helloPlan(t *testing.T, arch string) plan.Plan {
	t.Helper()
	epoch := time.Unix(0, 0).UTC()
	platform := ocispec.Platform{OS: "linux", Architecture: arch}
	env := []string{"CGO_ENABLED=0", "GOARCH=" + arch, "GOENV=off", "GOEXPERIMENT=", "GOFLAGS=", "GOOS=linux", "GOTOOLCHAIN=local"}
	return plan.Plan{
		Version: plan.FormatVersion, Platform: platform, Go: tool(t).Version,
		Compiles: []plan.Compile{{
			Name: "hello", Dir: ".", Package: ".", Work: "off", ModFiles: []string{"go.mod"},
			Flags: []string{"-trimpath", "-buildvcs=false", "-mod=readonly"}, Ldflags: []string{"-s", "-w"}, Env: env,
		}},
		Layers: []plan.Layer{
			{Name: "files", Files: []plan.File{{Path: "/conf", Source: plan.Source{Tree: "conf"}}}},
			{Name: "binaries", Files: []plan.File{{Path: "/hello", Mode: 0o755, Source: plan.Source{Binary: "hello"}}}},
		},
		Config: plan.Image{
			Created: epoch, Platform: platform,
			Config:  plan.RunConfig{ImageConfig: ocispec.ImageConfig{User: "65532:65532", Entrypoint: []string{"/hello"}, Labels: map[string]string{"a": "<b>"}}},
			History: []ocispec.History{{Created: &epoch, CreatedBy: "files"}, {Created: &epoch, CreatedBy: "binaries"}},
		},
		Annotations: map[string]string{"org.example": "yes"},
	}
}

// options open the context at dir with a cache of their own.
func options(t *testing.T, dir string) Options {
	t.Helper()
	c, err := OpenContext(dir, filepath.Join(dir, "plimsoll.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return Options{Tool: tool(t), Context: c, CacheDir: filepath.Join(t.TempDir(), "cache")}
}

// build builds one plan and must succeed.
func build(t *testing.T, o Options, plans ...plan.Plan) *Result {
	t.Helper()
	result, err := Build(t.Context(), plans, o)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func digestOf(t *testing.T, img interface{ Digest() (v1.Hash, error) }) string {
	t.Helper()
	d, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

// rootfs lists the files of an image.
func rootfs(t *testing.T, img v1.Image) []string {
	t.Helper()
	r := mutate.Extract(img)
	defer r.Close()
	names := map[string]bool{}
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return slices.Sorted(maps.Keys(names))
		}
		if err != nil {
			t.Fatal(err)
		}
		names[path.Clean(h.Name)] = true
	}
}

// leftovers are files of the cache that only a running build may have.
func leftovers(t *testing.T, cacheDir string) []string {
	t.Helper()
	var left []string
	for _, pattern := range []string{"work-*", "*/tmp-*", "*/.tmp-*"} {
		found, err := filepath.Glob(filepath.Join(cacheDir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, found...)
	}
	return left
}
