package cacheprog_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestLend holds that what the go command compiled by itself is there for a later build of
// the same kin, which compiles nothing and has the same in its own layer.
func TestLend(t *testing.T) {
	s := open(t)
	below, warm := copied(t, s.dir), t.TempDir()
	forget(t, below)
	list := func(name, warm string) (dir string, named []string) {
		dir = t.TempDir()
		cmd := s.command(t, []string{"GOCACHE=" + dir}, s.prog, "list", "-dir", dir, "-from", below, "-warm", warm, "-name", name,
			"--", "go", "list", "-export", "-deps", "-trimpath", "-v", ".")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v\n%s", err, &stderr)
		}
		return dir, strings.Fields(stderr.String())
	}
	compiled := func(named []string) int {
		return len(slices.DeleteFunc(slices.Clone(thirdParty), func(name string) bool { return !slices.Contains(named, name) }))
	}
	first, named := list("kin", warm)
	if compiled(named) != len(thirdParty) {
		t.Fatalf("compiled are %q", named)
	}
	second, named := list("kin", warm)
	if len(named) > 0 {
		t.Errorf("compiled again are %q", named)
	}
	for _, dir := range []string{first, second} {
		for name := range entries(t, dir) {
			if data, err := os.ReadFile(filepath.Join(dir, name[:2], name)); err != nil || bytes.HasPrefix(data, []byte(index)) {
				t.Errorf("%s, %v: an index of a module", name, err)
			}
		}
		tree(t, dir) // looks at the times
		for name := range entries(t, below) {
			_ = os.Link(filepath.Join(below, name[:2], name), filepath.Join(dir, name[:2], name))
		}
		if got := s.build(t, dir, s.modules, ""); got != s.sha {
			t.Error("the binary differs")
		}
	}
	if _, named := list("stranger", warm); compiled(named) != len(thirdParty) {
		t.Errorf("of another kin, compiled are %q", named)
	}
	// What is damaged in the mount is compiled again.
	for name := range entries(t, warm) {
		if err := os.WriteFile(filepath.Join(warm, name[:2], name), []byte("damaged"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if dir, named := list("kin", warm); compiled(named) != len(thirdParty) {
		t.Errorf("with a damaged mount, compiled are %q", named)
	} else if got := entries(t, dir); len(got) == 0 {
		t.Error("nothing is kept")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, named := list("kin", file); compiled(named) != len(thirdParty) {
		t.Errorf("without a mount, compiled are %q", named)
	}
}
