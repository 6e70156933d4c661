package gosource

import (
	"io/fs"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"
)

// gateway is a file system as the build's frontend sees one: each call takes a while, in
// no order, and tests are there without content. It counts calls.
type gateway struct {
	fstest.MapFS
	mu    sync.Mutex
	calls map[string]int
}

func (g *gateway) call(what string) {
	time.Sleep(rand.N(300 * time.Microsecond))
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls[what]++
}

func (g *gateway) ReadFile(name string) ([]byte, error) {
	g.call("read " + name)
	if strings.HasSuffix(name, "_test.go") {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return g.MapFS.ReadFile(name)
}

func (g *gateway) ReadDir(name string) ([]fs.DirEntry, error) {
	g.call("list " + name)
	return g.MapFS.ReadDir(name)
}

func (g *gateway) Open(name string) (fs.File, error) {
	g.call("open " + name)
	return g.MapFS.Open(name)
}

func (g *gateway) Stat(name string) (fs.FileInfo, error) {
	g.call("stat " + name)
	return g.MapFS.Stat(name)
}

// TestGateway lists each tree of the table as the frontend does, some times over: the
// result is that of the plain tree, and nothing is asked for twice.
func TestGateway(t *testing.T) {
	for _, c := range slices.Concat(listTests, rulesTests()) {
		t.Run(c.name, func(t *testing.T) {
			want, wantErr := List(t.Context(), c.src, complete(c.r))
			for range 5 {
				g := &gateway{MapFS: c.src, calls: map[string]int{}}
				got, err := List(t.Context(), g, complete(c.r))
				if !reflect.DeepEqual(got, want) || (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
					t.Fatalf("got  %+v, %v\nwant %+v, %v", got, err, want, wantErr)
				}
				for what, n := range g.calls {
					if n > 1 || strings.HasPrefix(what, "open") || strings.HasPrefix(what, "stat") || strings.HasSuffix(what, "_test.go") {
						t.Errorf("%s: %d times", what, n)
					}
				}
			}
		})
	}
}

// FuzzList lists hostile trees: an error or a listing, and every listed file exists.
func FuzzList(f *testing.F) {
	f.Add("module ex.com/m\nrequire a.b/c v1.0.0\nreplace a.b/c => ./c\n", "package main\nimport _ \"a.b/c\"\n", "**", "x", "go 1.26\nuse .\n")
	f.Add("module m", "package main\nimport _ \"embed\"\n//go:embed ../x all:. [ \nvar x string", "d", "../../..", "use ../..")
	f.Add("module ../m", "//go:build (\npackage main\nimport \"/\"", "\x00", "l", "")
	f.Fuzz(func(t *testing.T, mod, source, pattern, link, work string) {
		src := files("c/go.mod: module a.b/c", "c/c.go: package c\n//go:embed l\nvar x string", "d/f: ")
		src["go.mod"] = &fstest.MapFile{Data: []byte(mod)}
		src["main.go"] = &fstest.MapFile{Data: []byte(source)}
		src["e.go"] = &fstest.MapFile{Data: []byte("package main\nimport _ \"embed\"\n//go:embed " + pattern + "\nvar y string\n")}
		src["a.s"] = &fstest.MapFile{Data: []byte("#include \"" + pattern + "\"\n")}
		src["c/l"] = &fstest.MapFile{Data: []byte(link), Mode: fs.ModeSymlink}
		src["go.work"] = &fstest.MapFile{Data: []byte(work)}
		for _, r := range []Request{{}, {Work: "go.work"}, {Vendored: true}, {Packages: []string{pattern}}} {
			got, err := List(t.Context(), src, complete(r))
			if err != nil {
				continue
			}
			for _, name := range got.Files {
				if _, err := fs.Lstat(src, name); err != nil {
					t.Errorf("listed: %v", err)
				}
			}
		}
	})
}
