package frontend

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

func testFS(t *testing.T, more ...string) *referenceFS {
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
	return &referenceFS{ctx: t.Context(), ref: &memory{files: files}}
}

// TestReferenceFS holds the file system to the standard library's contract.
func TestReferenceFS(t *testing.T) {
	ref := testFS(t)
	if err := fstest.TestFS(ref, "go.mod", "empty", "a/b/c.go", "bare"); err != nil {
		t.Error(err)
	}
}

func TestReferenceFSErrors(t *testing.T) {
	ref := testFS(t, "a/dangling")
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
}

func TestReferenceFSLinks(t *testing.T) {
	ref := testFS(t)
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
}
