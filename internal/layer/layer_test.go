package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/compression"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/opencontainers/go-digest"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// headers lists a tar, one line for each entry.
func headers(t *testing.T, data []byte) []string {
	t.Helper()
	var lines []string
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return lines
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%c %04o %d:%d %d %s %s %q", h.Typeflag, h.Mode, h.Uid, h.Gid, h.ModTime.Unix(), h.Name, h.Linkname, body))
	}
}

// sources hold a small build context, one binary and one piece of root data.
func sources(t *testing.T) Sources {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "app")
	if err := os.WriteFile(binary, []byte("ELF"), 0o700); err != nil {
		t.Fatal(err)
	}
	return Sources{
		Binaries: map[string]string{"app": binary},
		Context: fstest.MapFS{
			"conf.yaml":           {Data: []byte("a: 1"), Mode: 0o664},
			"web":                 {Mode: fs.ModeDir | 0o775},
			"web/run.sh":          {Data: []byte("#!"), Mode: 0o775},
			"web/static/main.css": {Data: []byte("body{}"), Mode: 0o600},
			"web/static-x":        {Data: []byte("x"), Mode: 0o666},
			"web/latest":          {Data: []byte("static/main.css"), Mode: fs.ModeSymlink | 0o777},
			"bad/pipe":            {Mode: fs.ModeNamedPipe | 0o600},
		},
		RootData: func(name string) ([]byte, bool) { return []byte("roots"), name == "ca-certificates.crt" },
	}
}

func dir(path string) plan.File {
	return plan.File{Path: path, Mode: 0o755, Source: plan.Source{Dir: true}}
}

func TestEntries(t *testing.T) {
	root := plan.RootData{Name: "ca-certificates.crt", Digest: digest.FromString("roots")}
	for _, test := range []struct {
		name  string
		files []plan.File
		want  []string
	}{
		{"every source", []plan.File{
			{Path: "/app", Mode: 0o755, Source: plan.Source{Binary: "app"}},
			{Path: "/conf.yaml", UID: 5, GID: 6, Source: plan.Source{Context: "conf.yaml"}},
			{Path: "/in", Mode: 0o400, Source: plan.Source{Inline: []byte("line")}},
			{Path: "/l", Source: plan.Source{Symlink: "in"}},
			{Path: "/roots", Mode: 0o644, Source: plan.Source{Root: &root}},
			{Path: "/tmp", Mode: 0o1777, Source: plan.Source{Dir: true}},
		}, []string{
			`0 0755 0:0 9 app  "ELF"`,
			`0 0644 5:6 9 conf.yaml  "a: 1"`,
			`0 0400 0:0 9 in  "line"`,
			`2 0777 0:0 9 l in ""`,
			`0 0644 0:0 9 roots  "roots"`,
			`5 1777 0:0 9 tmp/  ""`,
		}},
		{"a tree in walk order", []plan.File{dir("/srv"), {Path: "/srv/www", UID: 7, GID: 7, Source: plan.Source{Tree: "web"}}}, []string{
			`5 0755 0:0 9 srv/  ""`,
			`5 0755 7:7 9 srv/www/  ""`,
			`2 0777 7:7 9 srv/www/latest static/main.css ""`,
			`0 0755 7:7 9 srv/www/run.sh  "#!"`,
			`5 0755 7:7 9 srv/www/static/  ""`,
			`0 0644 7:7 9 srv/www/static/main.css  "body{}"`,
			`0 0644 7:7 9 srv/www/static-x  "x"`,
		}},
		{"a mode for a tree's files", []plan.File{{Path: "/css", Mode: 0o440, Source: plan.Source{Tree: "web/static"}}}, []string{
			`5 0755 0:0 9 css/  ""`,
			`0 0440 0:0 9 css/main.css  "body{}"`,
		}},
		{"a file in a tree's place", []plan.File{
			{Path: "/css", Source: plan.Source{Tree: "web/static"}},
			{Path: "/css/main.css", Mode: 0o644, Source: plan.Source{Inline: []byte("new")}},
			{Path: "/css/zz", Mode: 0o644, Source: plan.Source{Inline: []byte("z")}},
		}, []string{
			`5 0755 0:0 9 css/  ""`,
			`0 0644 0:0 9 css/main.css  "new"`,
			`0 0644 0:0 9 css/zz  "z"`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, err := Store{Dir: t.TempDir()}.Build(t.Context(), plan.Layer{Name: "files", Files: test.files}, 9, sources(t))
			if err != nil {
				t.Fatal(err)
			}
			if err := validate.Layer(l); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(test.want, headers(t, uncompressed(t, l))); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
		})
	}
}

func uncompressed(t *testing.T, l v1.Layer) []byte {
	t.Helper()
	r, err := l.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestRefused(t *testing.T) {
	for _, test := range []struct {
		name string
		file plan.File
		want string
	}{
		{"binary not compiled", plan.File{Source: plan.Source{Binary: "other"}}, "binary other was not compiled"},
		{"no such file", plan.File{Source: plan.Source{Context: "nosuch"}}, "nosuch"},
		{"outside", plan.File{Source: plan.Source{Context: "../secret"}}, "../secret"},
		{"a directory as a file", plan.File{Source: plan.Source{Context: "web"}}, "not a regular file"},
		{"a pipe", plan.File{Source: plan.Source{Context: "bad/pipe"}}, "not a regular file"},
		{"a pipe in a tree", plan.File{Source: plan.Source{Tree: "bad"}}, "bad/pipe is neither"},
		{"a file as a tree", plan.File{Source: plan.Source{Tree: "conf.yaml"}}, "not a directory"},
		{"no such tree", plan.File{Source: plan.Source{Tree: "nosuch"}}, "nosuch"},
		{"unknown root data", plan.File{Source: plan.Source{Root: &plan.RootData{Name: "x"}}}, `no root data "x"`},
		{"other root data", plan.File{Source: plan.Source{Root: &plan.RootData{Name: "ca-certificates.crt", Digest: digest.FromString("other")}}}, "another version"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.file.Path = "/x"
			store := Store{Dir: filepath.Join(t.TempDir(), "layers")}
			_, err := store.Build(t.Context(), plan.Layer{Name: "files", Files: []plan.File{test.file}}, 0, sources(t))
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "/x") {
				t.Errorf("error %v, want one with %q and the path", err, test.want)
			}
		})
	}
	files := []plan.File{{Path: "/css", Source: plan.Source{Tree: "web"}}, {Path: "/css/run.sh/x", Source: plan.Source{Inline: []byte("x")}}}
	_, err := Store{Dir: t.TempDir()}.Build(t.Context(), plan.Layer{Files: files}, 0, sources(t))
	if err == nil || !strings.Contains(err.Error(), "/css/run.sh/x is placed below") {
		t.Errorf("a file below a file: %v", err)
	}
}

// A kept layer is used again; a damaged one is not.
func TestStore(t *testing.T) {
	store, src := Store{Dir: t.TempDir()}, sources(t)
	l := plan.Layer{Name: "binaries", Files: []plan.File{{Path: "/app", Mode: 0o755, Source: plan.Source{Binary: "app"}}}}
	first := digestOf(t, store, l, src)
	blob := filepath.Join(store.Dir, first.Hex)
	made := stat(t, blob)
	if digestOf(t, store, l, src) != first || !os.SameFile(made, stat(t, blob)) {
		t.Error("an unchanged layer was compressed again")
	}
	if err := os.Truncate(blob, 20); err != nil {
		t.Fatal(err)
	}
	if digestOf(t, store, l, src) != first {
		t.Error("a damaged blob changed the digest")
	}
	names, err := filepath.Glob(filepath.Join(store.Dir, "tmp-*"))
	if err != nil || len(names) > 0 {
		t.Errorf("left behind: %q %v", names, err)
	}
}

// TestStoreOnAnyMachine holds that a large layer, which is compressed in parts side
// by side, has one digest whatever the number of cores.
func TestStoreOnAnyMachine(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "app")
	var content bytes.Buffer
	for i := range 1_000_000 {
		fmt.Fprintf(&content, "%d, ", i*i)
	}
	if err := os.WriteFile(binary, content.Bytes(), 0o700); err != nil {
		t.Fatal(err)
	}
	src := Sources{Binaries: map[string]string{"app": binary}}
	l := plan.Layer{Name: "binaries", Files: []plan.File{{Path: "/app", Mode: 0o755, Source: plan.Source{Binary: "app"}}}}
	for _, c := range []compression.Compression{compression.GZip, compression.ZStd} {
		var first v1.Hash
		for _, cores := range []int{1, 2, 5} {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
			d := digestOf(t, Store{Dir: t.TempDir(), Compression: c}, l, src)
			if first == (v1.Hash{}) {
				first = d
			}
			if d != first {
				t.Errorf("%s, %d cores: %s, and %s on one", c, cores, d, first)
			}
		}
	}
}

func stat(t *testing.T, file string) os.FileInfo {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// grown is a file that has more bytes than it said.
type grown struct{ fstest.MapFS }

func (g grown) Stat(name string) (fs.FileInfo, error) {
	return fstest.MapFS{name: {Data: []byte("a"), Mode: 0o644}}.Stat(name)
}

func TestInterrupted(t *testing.T) {
	files := []plan.File{{Path: "/conf", Source: plan.Source{Context: "conf.yaml"}}}
	src := sources(t)
	src.Context = grown{src.Context.(fstest.MapFS)}
	store := Store{Dir: filepath.Join(t.TempDir(), "layers")}
	if _, err := store.Build(t.Context(), plan.Layer{Files: files}, 0, src); err == nil || !strings.Contains(err.Error(), "changed while it was read") {
		t.Errorf("a grown file: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := store.Build(ctx, plan.Layer{Files: files}, 0, sources(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := os.Stat(store.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was written: %v", err)
	}
}

// Names sort by their elements, not as strings: "static" comes before "static-x".
func TestMergeOrder(t *testing.T) {
	paths := []string{"/a", "/a/z", "/a-b", "/a.b"}
	var entries []entry
	for _, p := range slices.Backward(paths) {
		e := entry{file: plan.File{Path: p}}
		e.file.Source.Dir = p == "/a"
		entries = append(entries, e)
	}
	merged, err := merge(entries)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range merged {
		got = append(got, e.file.Path)
	}
	if diff := cmp.Diff(paths, got); diff != "" {
		t.Error(diff)
	}
}
