package local

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/plimsoll-build/plimsoll/internal/gotool"
	"github.com/plimsoll-build/plimsoll/internal/plan"
)

func TestBuild(t *testing.T) {
	o := options(t, tree(t, t.TempDir(), hello()))
	amd64, arm64 := helloPlan(t, "amd64"), helloPlan(t, "arm64")
	result := build(t, o, amd64, arm64)
	if err := validate.Index(result.Index); err != nil {
		t.Error(err)
	}
	m, err := result.Index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for i, arch := range []string{"amd64", "arm64"} {
		img := result.Images[i].Image
		if got := digestOf(t, img); got != m.Manifests[i].Digest.String() || m.Manifests[i].Platform.Architecture != arch {
			t.Errorf("entry %d of the index is %v, want %s for %s", i, m.Manifests[i], got, arch)
		}
		manifest, err := img.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		if manifest.Annotations["org.example"] != "yes" || manifest.MediaType != types.OCIManifestSchema1 || manifest.Config.MediaType != types.OCIConfigJSON {
			t.Errorf("manifest %+v", manifest)
		}
		if diff := cmp.Diff([]string{"conf", "conf/a.yaml", "conf/b.yaml", "hello"}, rootfs(t, img)); diff != "" {
			t.Error(diff)
		}
	}
	if left := leftovers(t, o.CacheDir); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	single := build(t, o, amd64)
	if single.Index != nil || digestOf(t, single.Images[0].Image) != m.Manifests[0].Digest.String() {
		t.Error("one platform alone is not the image that it is in the index")
	}
}

// The config is the plan's with rootfs, its keys sorted, and no field lost.
func TestConfigFile(t *testing.T) {
	p := helloPlan(t, "amd64")
	p.Config.Config.StopTimeout = new(42)
	data, err := configFile(p.Config, nil)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"architecture":"amd64","config":{"User":"65532:65532","Entrypoint":["/hello"],"Labels":{"a":"\u003cb\u003e"},"StopTimeout":42},` +
		`"created":"1970-01-01T00:00:00Z","history":[{"created":"1970-01-01T00:00:00Z","created_by":"files"},{"created":"1970-01-01T00:00:00Z","created_by":"binaries"}],` +
		`"os":"linux","rootfs":{"type":"layers","diff_ids":null}}`
	if diff := cmp.Diff(want, string(data)); diff != "" {
		t.Error(diff)
	}
}

// What a build does not depend on does not reach the image.
func TestReproducible(t *testing.T) {
	p := helloPlan(t, "amd64")
	want := digestOf(t, build(t, options(t, tree(t, t.TempDir(), hello())), p).Images[0].Image)

	parent := t.TempDir()
	setUmask(t, 0o002)
	tree(t, parent, map[string]string{"go.work": "go 1.26\n\nuse ./nowhere\n", "go.mod": "module example.com/parent\n\ngo 1.26\n"})
	dir := tree(t, filepath.Join(parent, "a much longer directory"), hello())
	if err := os.Chmod(filepath.Join(dir, "conf/a.yaml"), 0o640); err != nil {
		t.Fatal(err)
	}
	tree(t, dir, map[string]string{".dockerignore": "notes\n*.token\n"})
	for _, kv := range []string{"GOFLAGS=-tags=evil", "GOAMD64=v3", "GOWORK=" + filepath.Join(parent, "go.work"), "GOENV=" + filepath.Join(parent, "go.mod"), "GOEXPERIMENT=nogreenteagc", "GODEBUG=panicnil=1"} {
		name, value, _ := strings.Cut(kv, "=")
		t.Setenv(name, value)
	}
	o := options(t, dir)
	var err error
	if o.Tool, err = gotool.Find(t.Context(), os.Environ()); err != nil {
		t.Fatal(err)
	}
	if got := digestOf(t, build(t, o, p).Images[0].Image); got != want {
		t.Errorf("manifest digest %s, want %s", got, want)
	}
}

// A binary that is up to date is not linked again, and one that is damaged is.
func TestKeptBinary(t *testing.T) {
	dir := tree(t, t.TempDir(), hello())
	o, p := options(t, dir), helloPlan(t, "amd64")
	want := digestOf(t, build(t, o, p).Images[0].Image)
	kept := func() (string, os.FileInfo) {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(o.CacheDir, "bin/*/hello"))
		if err != nil || len(files) != 1 {
			t.Fatalf("kept binaries: %q %v", files, err)
		}
		info, err := os.Stat(files[0])
		if err != nil {
			t.Fatal(err)
		}
		return files[0], info
	}
	file, first := kept()
	if got := digestOf(t, build(t, o, p).Images[0].Image); got != want {
		t.Errorf("second build: %s, want %s", got, want)
	}
	if _, second := kept(); !os.SameFile(first, second) {
		t.Error("an unchanged binary was linked again")
	}
	if err := os.Truncate(file, first.Size()/2); err != nil {
		t.Fatal(err)
	}
	if got := digestOf(t, build(t, o, p).Images[0].Image); got != want {
		t.Errorf("after damage: %s, want %s", got, want)
	}
	tree(t, dir, map[string]string{"name.txt": "moon"})
	if got := digestOf(t, build(t, o, p).Images[0].Image); got == want {
		t.Error("a changed source gave the same image")
	}
}

// Cancelled at any step, a build leaves nothing half-written, and the next one
// with the same cache succeeds.
func TestCancel(t *testing.T) {
	dir := tree(t, t.TempDir(), hello())
	want := digestOf(t, build(t, options(t, dir), helloPlan(t, "amd64")).Images[0].Image)
	for _, verb := range []string{StepCompile, StepLayer, StepImage} {
		t.Run(verb, func(t *testing.T) {
			tmp := t.TempDir()
			t.Setenv("TMPDIR", tmp)
			ctx, cancel := context.WithCancel(t.Context())
			o := options(t, dir)
			o.Progress = func(s Step) {
				if s.Verb == verb {
					cancel()
				}
			}
			if _, err := Build(ctx, []plan.Plan{helloPlan(t, "amd64")}, o); !errors.Is(err, context.Canceled) {
				t.Fatalf("error %v, want context.Canceled", err)
			}
			left, err := filepath.Glob(filepath.Join(tmp, "plimsoll-*"))
			if left = append(left, leftovers(t, o.CacheDir)...); err != nil || len(left) > 0 {
				t.Errorf("left behind: %q %v", left, err)
			}
			o.Progress = nil
			if got := digestOf(t, build(t, o, helloPlan(t, "amd64")).Images[0].Image); got != want {
				t.Errorf("the next build gives %s, want %s", got, want)
			}
		})
	}
}

// Cancelled while the go command runs, a build leaves nothing either.
func TestCancelCompile(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	ctx, cancel := context.WithCancel(t.Context())
	o := options(t, tree(t, t.TempDir(), hello()))
	o.Progress = func(s Step) {
		if s.Verb != StepCompile {
			t.Errorf("step %v was reached", s)
			return
		}
		go func() {
			defer cancel()
			for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
				if busy, _ := filepath.Glob(filepath.Join(tmp, "plimsoll-go-*", "go-build*")); len(busy) > 0 {
					return
				}
			}
		}()
	}
	if _, err := Build(ctx, []plan.Plan{helloPlan(t, "amd64")}, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want context.Canceled", err)
	}
	left, err := filepath.Glob(filepath.Join(tmp, "plimsoll-*"))
	if left = append(left, leftovers(t, o.CacheDir)...); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q %v", left, err)
	}
	if kept, err := filepath.Glob(filepath.Join(o.CacheDir, "bin/*/hello")); err != nil || len(kept) > 0 {
		t.Errorf("a binary was kept: %q %v", kept, err)
	}
}

func TestSteps(t *testing.T) {
	o := options(t, tree(t, t.TempDir(), hello()))
	var got []Step
	o.Progress = func(s Step) { got = append(got, s) }
	build(t, o, helloPlan(t, "amd64"))
	want := []Step{{"linux/amd64", StepCompile, "hello"}, {"linux/amd64", StepLayer, "files"}, {"linux/amd64", StepLayer, "binaries"}, {"linux/amd64", StepImage, ""}}
	if !slices.Equal(got, want) {
		t.Errorf("steps %v, want %v", got, want)
	}
}

func TestRefused(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*plan.Plan, map[string]string)
		want   string
	}{
		{"position independent", func(p *plan.Plan, _ map[string]string) {
			p.Compiles[0].Flags = append(p.Compiles[0].Flags, "-buildmode=pie")
		}, "not static"},
		{"other architecture", func(p *plan.Plan, _ map[string]string) {
			p.Compiles[0].Env = slices.Replace(slices.Clone(p.Compiles[0].Env), 1, 2, "GOARCH=arm64")
		}, "EM_AARCH64, not for amd64"},
		{"other system", func(p *plan.Plan, _ map[string]string) { p.Platform.OS = "darwin" }, "linux only"},
		{"not main", func(p *plan.Plan, _ map[string]string) { p.Compiles[0].Package = "./greet" }, "is its package main?"},
		{"compile error", func(_ *plan.Plan, files map[string]string) { files["greet/a.go"] = "package greet\n\nvar Text = 1\n" }, "main.go:"},
		{"cgo", func(_ *plan.Plan, files map[string]string) { files["greet/a.go"] = "package greet\n\nimport \"C\"\n" }, "example.com/hello imports example.com/hello/greet"},
		{"missing file", func(p *plan.Plan, _ map[string]string) { p.Layers[0].Files[0].Source.Tree = "nosuch" }, "nosuch"},
		{"other Go", func(p *plan.Plan, _ map[string]string) { p.Go = "1.0.0" }, "wants Go 1.0.0"},
		{"bad plan", func(p *plan.Plan, _ map[string]string) { p.Layers[0].Files[0].Path = "conf" }, "not absolute"},
		{"bad name", func(p *plan.Plan, _ map[string]string) {
			p.Compiles[0].Name, p.Layers = "../x", nil
		}, "not a file name"},
		{"module outside", func(p *plan.Plan, _ map[string]string) { p.Compiles[0].Dir = "../x" }, "finding its module"},
		{"history", func(p *plan.Plan, _ map[string]string) { p.Config.History = nil }, "0 entries for 2 layers"},
		{"base without resolver", func(p *plan.Plan, _ map[string]string) { p.Base.Ref = "docker.io/library/x:1" }, "no resolver"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, files := helloPlan(t, "amd64"), hello()
			test.change(&p, files)
			o := options(t, tree(t, t.TempDir(), files))
			_, err := Build(t.Context(), []plan.Plan{p}, o)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
			if left := leftovers(t, o.CacheDir); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// Builds of the same thing at the same time wait for each other.
func TestConcurrent(t *testing.T) {
	o, p := options(t, tree(t, t.TempDir(), hello())), helloPlan(t, "amd64")
	type outcome struct {
		result *Result
		err    error
	}
	done := make(chan outcome)
	for range 3 {
		go func() {
			result, err := Build(t.Context(), []plan.Plan{p}, o)
			done <- outcome{result, err}
		}()
	}
	digests := map[string]bool{}
	for range 3 {
		d := <-done
		if d.err != nil {
			t.Fatal(d.err)
		}
		digests[digestOf(t, d.result.Images[0].Image)] = true
	}
	if len(digests) != 1 {
		t.Errorf("digests differ: %v", digests)
	}
}

func TestManifestIsIndented(t *testing.T) {
	img := build(t, options(t, tree(t, t.TempDir(), hello())), helloPlan(t, "amd64")).Images[0].Image
	if err := validate.Image(img); err != nil {
		t.Error(err)
	}
	raw, err := img.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(raw) || !strings.HasPrefix(string(raw), "{\n  \"schemaVersion\": 2,") {
		t.Errorf("manifest is not written as BuildKit writes it:\n%s", raw)
	}
	config, err := img.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := img.LayerByDigest(config); err != nil {
		t.Error(err)
	}
}
