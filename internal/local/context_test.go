package local

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

func open(t *testing.T, dir string) *Context {
	t.Helper()
	c, err := OpenContext(dir, filepath.Join(dir, "plimsoll.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestIgnore(t *testing.T) {
	for _, test := range []struct {
		name    string
		files   map[string]string
		visible []string
	}{
		{"nothing", nil, []string{"a", "dir/b", "dir/sub/c", "plimsoll.yaml"}},
		{"a directory", map[string]string{".dockerignore": "dir"}, []string{".dockerignore", "a", "plimsoll.yaml"}},
		{"all but one", map[string]string{".dockerignore": "*\n!dir/sub\n"}, []string{"dir/sub/c"}},
		{"comments and patterns", map[string]string{".dockerignore": "# x\n\n/dir/*/\n**/b\n"}, []string{".dockerignore", "a", "plimsoll.yaml"}},
		{"beside the spec", map[string]string{".dockerignore": "*", "plimsoll.yaml.dockerignore": "dir\n*ignore\n"}, []string{"a", "plimsoll.yaml"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := tree(t, t.TempDir(), map[string]string{"a": "", "dir/b": "", "dir/sub/c": "", "plimsoll.yaml": "spec"})
			c := open(t, tree(t, dir, test.files))
			var got []string
			err := fs.WalkDir(c.FS(), ".", func(name string, d fs.DirEntry, err error) error {
				if err == nil && !d.IsDir() {
					got = append(got, name)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.visible, got); diff != "" {
				t.Errorf("visible (-want +got):\n%s", diff)
			}
			if err := fstest.TestFS(c.FS(), test.visible...); err != nil {
				t.Error(err)
			}
			for _, name := range []string{"a", "dir/b", "dir/sub/c"} {
				if _, err := fs.ReadFile(c.FS(), name); errors.Is(err, fs.ErrNotExist) == slices.Contains(test.visible, name) {
					t.Errorf("reading %s: %v", name, err)
				}
			}
		})
	}
}

func TestLinks(t *testing.T) {
	outside := tree(t, t.TempDir(), map[string]string{"passwd": "root"})
	dir := tree(t, t.TempDir(), map[string]string{"a/file": "content", "hidden/file": "secret", ".dockerignore": "hidden"})
	for name, target := range map[string]string{
		"ok": "a/file", "a/up": "../ok", "dir": "a", "chain": "dir/../dir/up",
		"abs": filepath.Join(outside, "passwd"), "rel": "../" + filepath.Base(outside) + "/passwd", "deep": "a/../../x",
		"to-hidden": "hidden/file", "loop": "loop", "gone": "nosuch",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	c := open(t, dir)
	for name, want := range map[string]error{
		"ok": nil, "a/up": nil, "dir/file": nil, "chain": nil, "dir/up": nil,
		"abs": errOutside, "rel": errOutside, "deep": errOutside, "gone": fs.ErrNotExist, "to-hidden": fs.ErrNotExist,
		"../x": fs.ErrInvalid, "/etc/passwd": fs.ErrInvalid,
	} {
		data, err := fs.ReadFile(c.FS(), name)
		if !errors.Is(err, want) || (want == nil && string(data) != "content") {
			t.Errorf("reading %s: %q %v, want error %v", name, data, err, want)
		}
	}
	if _, err := fs.Stat(c.FS(), "loop"); err == nil {
		t.Error("a link to itself was followed to its end")
	}
	if target, err := fs.ReadLink(c.FS(), "abs"); err != nil || !strings.HasPrefix(target, outside) {
		t.Errorf("a link itself cannot be read: %q %v", target, err)
	}
	if want := []string{"abs", "deep", "rel", "to-hidden"}; !slices.Equal(c.cut, want) {
		t.Errorf("links that a compile may not follow: %q, want %q", c.cut, want)
	}
}

// What the ignore file hides fails as if it did not exist, in a compile too.
func TestIgnoredSource(t *testing.T) {
	outside := tree(t, t.TempDir(), map[string]string{"a.go": hello()["greet/a.go"]})
	for _, test := range []struct{ name, ignore, want string }{
		{"package", "greet", "example.com/hello/greet"},
		{"go file", "greet/*.go", "example.com/hello/greet"},
		{"embedded file", "name.txt", "pattern name.txt: no matching files found"},
		{"all", "*\n!conf\n", "go.mod file not found"},
		{"image file", "conf", "conf"},
		{"link to the outside", "link:greet/a.go", "greet/a.go (a link to what is not in the build context)"},
		{"link to a package outside", "link:greet", "example.com/hello/greet"},
	} {
		t.Run(test.name, func(t *testing.T) {
			files := hello()
			link, isLink := strings.CutPrefix(test.ignore, "link:")
			if !isLink {
				files[".dockerignore"] = test.ignore
			}
			dir := tree(t, t.TempDir(), files)
			if isLink {
				if err := os.RemoveAll(filepath.Join(dir, link)); err != nil {
					t.Fatal(err)
				}
				target := filepath.Join(outside, strings.TrimPrefix(strings.TrimPrefix(link, "greet"), "/"))
				if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
					t.Fatal(err)
				}
			}
			_, err := Build(t.Context(), []plan.Plan{helloPlan(t, "amd64")}, options(t, dir))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestOpenContextRefuses(t *testing.T) {
	dir := tree(t, t.TempDir(), map[string]string{"file": "", "bad/.dockerignore": "[\n", "dir/.dockerignore/x": ""})
	for _, name := range []string{"file", "nosuch", "bad", "dir"} {
		if c, err := OpenContext(filepath.Join(dir, name), ""); err == nil {
			c.Close()
			t.Errorf("%s was opened", name)
		}
	}
}
