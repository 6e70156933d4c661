package imagediff_test

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/imagediff"
)

type file struct {
	name string
	mode int64
	uid  int
	data []byte
}

func image(t *testing.T, config string, files ...file) imagediff.Image {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: f.mode, Uid: f.uid, Size: int64(len(f.data)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return imagediff.Image{Config: []byte(config), Layers: []func(context.Context) (io.ReadCloser, error){
		func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil },
	}}
}

func where(t *testing.T, a, b imagediff.Image) []string {
	t.Helper()
	found, err := imagediff.Compare(t.Context(), a, b)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, d := range found {
		all = append(all, d.Where)
	}
	return all
}

func TestCompare(t *testing.T) {
	const config = `{"os":"linux","created":"a","config":{"Env":["A=1"],"Labels":{"k":"v"}}}`
	hello := file{"hello", 0o644, 0, []byte("hello")}
	base := image(t, config, hello)
	for _, c := range []struct {
		name  string
		other imagediff.Image
		want  []string
	}{
		{"the same", image(t, config, hello), nil},
		{"created and spaces", image(t, `{ "os":"linux", "created":"b", "config":{"Env":["A=1"],"Labels":{"k":"v"},"Cmd":null}}`, hello), nil},
		{"settings", image(t, `{"os":"linux","config":{"Env":["A=2"],"Labels":{"k":"w","l":"x"}}}`, hello), []string{"config.Env", "config.Labels k", "config.Labels l"}},
		{"mode and owner", image(t, config, file{"hello", 0o600, 7, []byte("hello")}), []string{"layer 0", "/hello mode", "/hello owner"}},
		{"content", image(t, config, file{"hello", 0o644, 0, []byte("hallo")}), []string{"layer 0", "/hello sha256"}},
		{"another file", image(t, config, hello, file{"more", 0o644, 0, nil}), []string{"layer 0", "/more"}},
		{"no layer", imagediff.Image{Config: []byte(config)}, []string{"layers"}},
	} {
		if got := where(t, base, c.other); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// compile builds a program for a platform, as an image holds it, beside more files.
func compile(t *testing.T, arch, source string, files ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.com/orders\n\ngo 1.26\n", "main.go": source} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range files {
		if err := os.Rename(f, filepath.Join(dir, filepath.Base(f))); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(dir, "orders")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", out, ".")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

const program = `package main

import "os"

//go:noinline
func first(n int) int { return n * 3 }

//go:noinline
func total(n int) int { return n + len(os.Args) }

//go:noinline
func greeting() string { return "good morning" }

func main() {
	println(greeting(), first(1), total(2), len(os.Getenv("HOME")))
}
`

// TestFunctions changes a line and wants its function named, and none of the service's
// others: code that only moved is the same.
func TestFunctions(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		before := image(t, "{}", file{"orders", 0o755, 0, compile(t, arch, program)})
		for _, c := range []struct{ old, new, want string }{
			{"return n + len(os.Args)", "return n - len(os.Args)", "main.total"},
			{"return n * 3", "for i := range n { n += i * len(os.Args) }; return n", "main.first"},
			{"good morning", "good evening", "main.greeting"},
		} {
			after := image(t, "{}", file{"orders", 0o755, 0, compile(t, arch, strings.Replace(program, c.old, c.new, 1))})
			var functions []string
			for _, w := range where(t, after, before) {
				if _, name, ok := strings.Cut(w, " function "); ok {
					functions = append(functions, name)
				}
			}
			if len(functions) != 1 || functions[0] != c.want {
				t.Errorf("%s, %s: functions %q, want %s alone", arch, c.new, functions, c.want)
			}
		}
	}
}
