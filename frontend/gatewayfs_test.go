package frontend

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

// tree is what both views of a build context offer.
type tree interface {
	fs.ReadDirFS
	fs.ReadLinkFS
	fs.StatFS
}

// testFS is one tree in both views: of a reference, and of names with content beside them.
func testFS(t *testing.T, more ...string) map[string]tree {
	t.Helper()
	files := fstest.MapFS{
		"go.mod":   {Data: []byte("module x\n")},
		"empty":    {},
		"a/b/c.go": {Data: []byte("package b\n"), Mode: 0o755},
		"a/link":   {Data: []byte("b/c.go"), Mode: fs.ModeSymlink},
		"bare":     {Mode: fs.ModeDir | 0o755},
	}
	for _, name := range more {
		files[name] = &fstest.MapFile{Data: []byte("nowhere"), Mode: fs.ModeSymlink}
	}
	listing, err := newListingFS(t.Context(), &memory{files: withMetadata(files, `["**"]`)})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]tree{"reference": &referenceFS{ctx: t.Context(), ref: &memory{files: files}}, "listing": listing}
}

// eachView runs a test on both views.
func eachView(t *testing.T, test func(t *testing.T, ref tree), more ...string) {
	for name, view := range testFS(t, more...) {
		t.Run(name, func(t *testing.T) { test(t, view) })
	}
}

// TestReferenceFS holds the file system to the standard library's contract.
func TestReferenceFS(t *testing.T) {
	eachView(t, func(t *testing.T, ref tree) {
		if err := fstest.TestFS(ref, "go.mod", "empty", "a/b/c.go", "bare"); err != nil {
			t.Error(err)
		}
	})
}

func TestReferenceFSErrors(t *testing.T) {
	eachView(t, func(t *testing.T, ref tree) {
		for _, name := range []string{"none", "a/none", "go.mod/x", "a/dangling"} {
			if _, err := fs.Stat(ref, name); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("stat %s: %v", name, err)
			}
			if _, err := fs.ReadFile(ref, name); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("read %s: %v", name, err)
			}
		}
		for _, name := range []string{"/go.mod", "../x", "a//b", ""} {
			if _, err := ref.Open(name); !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("open %q: %v", name, err)
			}
			if _, err := ref.ReadDir(name); !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("readdir %q: %v", name, err)
			}
		}
		if _, err := ref.ReadLink("go.mod"); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("a file has a link target: %v", err)
		}
		if _, err := fs.ReadFile(ref, "a"); err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "a") {
			t.Errorf("reading a directory: %v", err)
		}
	}, "a/dangling")
}

func TestReferenceFSLinks(t *testing.T) {
	eachView(t, func(t *testing.T, ref tree) {
		target, err := fs.ReadLink(ref, "a/link")
		if err != nil || target != "b/c.go" {
			t.Errorf("link to %q (%v)", target, err)
		}
		if data, err := fs.ReadFile(ref, "a/link"); err != nil || string(data) != "package b\n" {
			t.Errorf("through the link: %q (%v)", data, err)
		}
		info, err := fs.Lstat(ref, "a/link")
		if err != nil || info.Mode().Type() != fs.ModeSymlink {
			t.Errorf("lstat: %v (%v)", info, err)
		}
		if info, err := fs.Stat(ref, "a/link"); err != nil || info.Mode().Perm() != 0o755 || info.Name() != "link" {
			t.Errorf("stat: %v (%v)", info, err)
		}
	})
}

// TestListingFSLinks holds that links of directories are followed inside the root, and that
// a loop of them ends.
func TestListingFSLinks(t *testing.T) {
	link := func(target string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink}
	}
	l, err := newListingFS(t.Context(), &memory{files: withMetadata(fstest.MapFS{
		"a/b/c.go": {Data: []byte("package b\n")},
		"abs":      link("/a/b"), "up": link("../../a"), "a/loop": link("loop2"), "a/loop2": link("loop"),
	}, `["**"]`)})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"abs/c.go", "up/b/c.go"} {
		if data, err := fs.ReadFile(l, name); err != nil || string(data) != "package b\n" {
			t.Errorf("%s: %q (%v)", name, data, err)
		}
	}
	if entries, err := fs.ReadDir(l, "abs"); err != nil || len(entries) != 1 {
		t.Errorf("abs lists %v (%v)", entries, err)
	}
	if _, err := fs.Stat(l, "a/loop"); err == nil {
		t.Error("a loop of links ends somewhere")
	}
}

// TestListingFSDamaged cuts the names off at each byte: an error, or fewer names.
func TestListingFSDamaged(t *testing.T) {
	whole, err := fs.ReadFile(withMetadata(fstest.MapFS{"a/b.go": {Data: []byte("x")}, "c": {}}, `[]`), metadataFile)
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for n := range whole {
		if _, err := newListingFS(t.Context(), &memory{files: fstest.MapFS{metadataFile: {Data: whole[:n]}}}); err != nil {
			failed++
		}
	}
	if failed < len(whole)-4 {
		t.Errorf("%d of %d cuts went unseen", len(whole)-failed, len(whole))
	}
}
