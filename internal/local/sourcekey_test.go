package local

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/layer"
	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// asked builds with a toolchain that answers for real, and reports whether go was asked
// to: without its own cache directory go cannot build at all.
func asked(t *testing.T, o Options, p plan.Plan) (digest string, asked bool) {
	t.Helper()
	ok := digestOf(t, build(t, o, p).Images[0].Image)
	o.Tool.Ambient = []string{"PATH=" + os.Getenv("PATH"), "GOCACHE=relative/is/refused", "HOME=" + t.TempDir()}
	res, err := Build(t.Context(), []plan.Plan{p}, o)
	if err != nil {
		return ok, true
	}
	if got := digestOf(t, res.Images[0].Image); got != ok {
		t.Errorf("without go the image is %s, with it %s", got, ok)
	}
	return ok, false
}

// TestGoIsNotAskedTwice holds that an unchanged service is taken from the cache, and that
// each kind of edit gives another image: never a stale one.
func TestGoIsNotAskedTwice(t *testing.T) {
	write := func(name, data string) func(t *testing.T, dir string, p *plan.Plan) {
		return func(t *testing.T, dir string, _ *plan.Plan) { tree(t, dir, map[string]string{name: data}) }
	}
	for _, c := range []struct {
		name string
		edit func(t *testing.T, dir string, p *plan.Plan)
	}{
		{"source of the same size and time", func(t *testing.T, dir string, _ *plan.Plan) {
			file := filepath.Join(dir, "greet", "a.go")
			info, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			tree(t, dir, map[string]string{"greet/a.go": strings.Replace(hello()["greet/a.go"], "hello", "howdy", 1)})
			if err := os.Chtimes(file, info.ModTime(), info.ModTime()); err != nil {
				t.Fatal(err)
			}
		}},
		{"an embedded file", write("name.txt", "moon")},
		{"a new file", write("greet/b.go", "package greet\n\nfunc init() { println(1) }\n")},
		{"a new file for this platform", write("greet/b_linux.go", "package greet\n\nfunc init() { println(1) }\n")},
		{"a file with a tag", func(t *testing.T, dir string, p *plan.Plan) {
			tree(t, dir, map[string]string{"greet/b.go": "//go:build extra\n\npackage greet\n\nfunc init() { println(1) }\n"})
			p.Compiles[0].Tags = []string{"extra"}
		}},
		{"go.mod", write("go.mod", "module example.com/hello\n\ngo 1.26.1\n\ngodebug panicnil=1\n\nrequire example.com/near v0.0.0\n\nreplace example.com/near => ./near\n")},
		{"a deleted file", func(t *testing.T, dir string, _ *plan.Plan) {
			if err := os.Remove(filepath.Join(dir, "greet", "extra.go")); err != nil {
				t.Fatal(err)
			}
		}},
		{"a replaced module", write("near/near.go", "package near\n\nfunc init() { println(3) }\n")},
		{"a linker flag", func(_ *testing.T, _ string, p *plan.Plan) { p.Compiles[0].Ldflags = []string{"-s"} }},
		{"a stamp", func(_ *testing.T, _ string, p *plan.Plan) { p.Compiles[0].Stamp = []string{"main.name=x"} }},
		{"the environment", func(_ *testing.T, _ string, p *plan.Plan) {
			p.Compiles[0].Env = append(slices.Clone(p.Compiles[0].Env), "GOAMD64=v3")
			slices.Sort(p.Compiles[0].Env)
		}},
		{"a file of the image", write("conf/a.yaml", "a: 2\n")},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := tree(t, t.TempDir(), hello())
			tree(t, dir, map[string]string{
				"greet/extra.go": "package greet\n\nimport _ \"example.com/near\"\n\nfunc init() { println(2) }\n",
				"go.mod":         "module example.com/hello\n\ngo 1.26\n\nrequire example.com/near v0.0.0\n\nreplace example.com/near => ./near\n",
				"near/go.mod":    "module example.com/near\n\ngo 1.26\n",
				"near/near.go":   "package near\n",
			})
			p := helloPlan(t, "amd64")
			o := options(t, dir)
			before, again := asked(t, o, p)
			if again {
				t.Error("go was asked about an unchanged service")
			}
			c.edit(t, dir, &p)
			o.Context = options(t, dir).Context
			if after, _ := asked(t, o, p); after == before {
				t.Error("the image did not change")
			}
		})
	}
}

// TestUnreadableSourcesAreGos leaves the judgement to go where the sources cannot be listed,
// or a kept binary is damaged.
func TestUnreadableSourcesAreGos(t *testing.T) {
	dir := tree(t, t.TempDir(), hello())
	o := options(t, dir)
	want, _ := asked(t, o, helloPlan(t, "amd64"))
	found, err := filepath.Glob(filepath.Join(o.CacheDir, "bin", "*", "hello"))
	if err != nil || len(found) != 1 {
		t.Fatalf("kept binaries %v, %v", found, err)
	}
	data, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(found[0], data, 0o755); err != nil {
		t.Fatal(err)
	}
	if got := digestOf(t, build(t, o, helloPlan(t, "amd64")).Images[0].Image); got != want {
		t.Errorf("a damaged binary was used: %s, want %s", got, want)
	}
	tree(t, dir, map[string]string{"greet/b.go": "package other\n"})
	o.Context = options(t, dir).Context
	if _, err := Build(t.Context(), []plan.Plan{helloPlan(t, "amd64")}, o); err == nil || !strings.Contains(err.Error(), "other") {
		t.Errorf("go does not say what is wrong: %v", err)
	}
}

// TestDamageThatKeepsTheTime is of a kept binary whose size and time say nothing: whoever
// reads it notices.
func TestDamageThatKeepsTheTime(t *testing.T) {
	o := options(t, tree(t, t.TempDir(), hello()))
	p := helloPlan(t, "amd64")
	want, _ := asked(t, o, p)
	found, err := filepath.Glob(filepath.Join(o.CacheDir, "bin", "*", "hello"))
	if err != nil || len(found) != 1 {
		t.Fatalf("kept binaries %v, %v", found, err)
	}
	good, err := layer.FileSum(found[0])
	if err != nil {
		t.Fatal(err)
	}
	spoil := func() {
		info, err := os.Stat(found[0])
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(found[0])
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)/2] ^= 1
		if err := errors.Join(os.WriteFile(found[0], data, 0o755), os.Chtimes(found[0], info.ModTime(), info.ModTime())); err != nil {
			t.Fatal(err)
		}
	}
	spoil()
	if got, again := asked(t, o, p); got != want || again {
		t.Errorf("the layer is there, and the binary was looked at: %s, want %s, compiled again: %v", got, want, again)
	}
	if err := os.RemoveAll(filepath.Join(o.CacheDir, "layers")); err != nil {
		t.Fatal(err)
	}
	if got, _ := asked(t, o, p); got != want {
		t.Errorf("a damaged binary was placed: %s, want %s", got, want)
	}
	spoil()
	tree(t, o.Context.Dir, map[string]string{"go.mod": hello()["go.mod"] + "\n// For go the binary is up to date.\n"})
	o.Context = options(t, o.Context.Dir).Context
	if got, _ := asked(t, o, p); got != want {
		t.Errorf("a damaged binary was taken over: %s, want %s", got, want)
	}
	spoil()
	err = Binaries(t.Context(), []plan.Plan{p}, o, func(_ plan.Plan, paths map[string]string) error {
		got, err := layer.FileSum(paths["hello"])
		if got != good {
			t.Error("a damaged binary was handed out")
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
