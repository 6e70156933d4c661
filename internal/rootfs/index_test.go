package rootfs_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll-build/plimsoll/internal/rootfs"
)

// fill makes an index from lines of "LAYER TYPE PATH [TARGET]"; TYPE is d, f, l
// (symlink), h (hard link), s (special), w (whiteout) or o (opaque).
func fill(t testing.TB, lines string) *rootfs.Index {
	t.Helper()
	x := rootfs.New()
	for line := range strings.Lines(strings.TrimSpace(lines)) {
		if err := apply(x, strings.TrimSpace(line)); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	return x
}

func apply(x *rootfs.Index, line string) error {
	fields := append(strings.Fields(line), "", "")
	e := rootfs.Entry{Path: fields[2], Link: fields[3], Mode: 0o755}
	fmt.Sscan(fields[0], &e.Layer)
	e.Content = rootfs.Location{Layer: e.Layer, Position: 7}
	switch fields[1] {
	case "w":
		return x.Whiteout(e.Path, e.Layer)
	case "o":
		return x.Opaque(e.Path, e.Layer)
	}
	e.Type = map[string]rootfs.Type{"d": rootfs.Dir, "f": rootfs.File, "l": rootfs.Symlink, "h": rootfs.Hard, "s": rootfs.Special}[fields[1]]
	return x.Add(e)
}

// tree lists an index as "LAYER TYPE PATH".
func tree(x *rootfs.Index, dir string) []string {
	var all []string
	for _, e := range x.Children(dir) {
		all = append(all, fmt.Sprintf("%d %c %s", e.Layer, e.Type[0], e.Path))
		all = append(all, tree(x, e.Path)...)
	}
	return all
}

func TestLayers(t *testing.T) {
	tests := []struct {
		name, lines string
		want        []string
	}{
		{"parents are made", "0 f /a/b/c", []string{"0 d /a", "0 d /a/b", "0 f /a/b/c"}},
		{"last duplicate wins", "0 f /a\n0 l /a /b", []string{"0 s /a"}},
		{"upper replaces lower", "0 f /a\n1 f /a", []string{"1 f /a"}},
		{"directory keeps its content", "0 f /d/a\n1 d /d\n1 f /d/b", []string{"1 d /d", "0 f /d/a", "1 f /d/b"}},
		{"file replaces directory", "0 f /d/a\n1 f /d", []string{"1 f /d"}},
		{"directory replaces file", "0 f /d\n1 f /d/x/y", nil},
		{"whiteout", "0 f /d/a\n0 f /d/b\n1 w /d/a", []string{"0 d /d", "0 f /d/b"}},
		{"whiteout of a directory", "0 f /d/a\n0 f /e\n1 w /d", []string{"0 f /e"}},
		{"whiteout spares its own layer", "0 f /d/a\n1 f /d/b\n1 w /d", []string{"0 d /d", "1 f /d/b"}},
		{"whiteout before the new file", "0 f /a\n1 w /a\n1 f /a", []string{"1 f /a"}},
		{"whiteout after the new file", "0 f /a\n1 f /a\n1 w /a", []string{"1 f /a"}},
		{"whiteout of nothing", "0 f /a\n1 w /b\n1 w /c/d", []string{"0 f /a"}},
		{"opaque", "0 f /d/a\n0 f /d/e/f\n1 o /d\n1 f /d/b", []string{"0 d /d", "1 f /d/b"}},
		{"opaque after", "0 f /d/a\n1 f /d/b\n1 o /d", []string{"0 d /d", "1 f /d/b"}},
		{"opaque root", "0 f /d/a\n1 f /b\n1 o /", []string{"1 f /b"}},
		{"parent behind a link", "0 d /usr/bin\n0 l /bin usr/bin\n1 f /bin/app", []string{"0 s /bin", "0 d /usr", "0 d /usr/bin", "1 f /usr/bin/app"}},
		{"link out of the root stays inside", "0 l /up ../../..\n0 f /up/a", []string{"0 f /a", "0 s /up"}},
		{"parent behind a link to nothing", "0 l /bin /usr/bin\n1 f /bin/app", []string{"0 s /bin", "1 d /usr", "1 d /usr/bin", "1 f /usr/bin/app"}},
		{"hard link", "0 f /a\n1 h /b /a", []string{"0 f /a", "1 f /b"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			if tc.want == nil { // unpacking fails: a file is in the way
				x := fill(t, strings.Split(tc.lines, "\n")[0])
				if err := apply(x, strings.Split(tc.lines, "\n")[1]); err == nil {
					t.Error("no error")
				}
				return
			}
			x := fill(t, tc.lines)
			got := tree(x, "/")
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if x.Len() != len(got) {
				t.Errorf("Len is %d of %d entries", x.Len(), len(got))
			}
		})
	}
}

func TestResolve(t *testing.T) {
	x := fill(t, `
		0 f /usr/bin/app
		0 l /bin usr/bin
		0 l /app /bin/app
		0 l /usr/bin/up ../../app
		0 l /loop1 /loop2
		0 l /loop2 /loop1
		0 l /self self/x
		0 l /dangling /nowhere
		1 h /hard /usr/bin/app`)
	for p, want := range map[string]string{
		"/app": "/usr/bin/app", "/bin/up": "/usr/bin/app", "/bin/../bin/app": "/usr/bin/app", "/hard": "/hard", "/": "/", "/bin": "/usr/bin",
	} {
		if e, err := x.Resolve(p); err != nil || e.Path != want {
			t.Errorf("%s leads to %s, %v; want %s", p, e.Path, err, want)
		}
	}
	for p, want := range map[string]error{
		"/loop1": rootfs.ErrLoop, "/self": rootfs.ErrLoop, "/dangling": fs.ErrNotExist, "/app/x": fs.ErrNotExist, "/none/x": fs.ErrNotExist,
	} {
		if _, err := x.Resolve(p); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", p, err, want)
		}
	}
	if e, _ := x.Lookup("/app"); e.Type != rootfs.Symlink {
		t.Errorf("Lookup follows the last link: %+v", e)
	}
	if e, _ := x.Lookup("/hard"); e.Content != (rootfs.Location{Layer: 0, Position: 7}) {
		t.Errorf("content of a hard link is at %+v", e.Content)
	}
}

func TestBounds(t *testing.T) {
	deep := strings.Repeat("/d", 300)
	for name, e := range map[string]rootfs.Entry{
		"deep":      {Path: deep, Type: rootfs.File},
		"long":      {Path: "/" + strings.Repeat("a", 5000), Type: rootfs.File},
		"long link": {Path: "/a", Type: rootfs.Symlink, Link: strings.Repeat("a", 5000)},
	} {
		if err := rootfs.New().Add(e); !errors.Is(err, rootfs.ErrLimit) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := rootfs.New().Add(rootfs.Entry{Path: "/a", Type: rootfs.Hard, Link: "/a"}); err == nil {
		t.Error("a hard link to itself is accepted")
	}
}

// A chain of links, each of which doubles the way, must end soon.
func TestLinkBomb(t *testing.T) {
	x := rootfs.New()
	for i := range 30 {
		target := fmt.Sprintf("l%d/../l%d", i+1, i+1)
		if err := x.Add(rootfs.Entry{Path: fmt.Sprintf("/l%d", i), Type: rootfs.Symlink, Link: target}); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.Add(rootfs.Entry{Path: "/l30", Type: rootfs.Dir}); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Resolve("/l0"); !errors.Is(err, rootfs.ErrLoop) {
		t.Errorf("got %v", err)
	}
}
