package cacheprog_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// prune makes a part of the module cache that none may write to.
func (s *shop) prune(t *testing.T, env []string, argv ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "pruned")
	cmd := s.command(t, append(s.served(t.TempDir(), copied(t, s.warm)), env...),
		append([]string{s.prog, "list", "-dir", t.TempDir(), "-modcache", s.modules + "/", "-out", out, "--"}, argv...)...)
	if text, err := cmd.CombinedOutput(); err != nil || len(text) > 0 {
		t.Fatalf("prune: %v\n%s", err, text)
	}
	chmodAll(t, out, 0o222, 0)
	t.Cleanup(func() { chmodAll(t, out, 0, 0o200) })
	return out
}

func chmodAll(t *testing.T, dir string, without, with fs.FileMode) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return os.Chmod(name, info.Mode().Perm()&^without|with)
	})
	if err != nil {
		t.Error(err)
	}
}

// tree are the files and empty directories below dir.
func tree(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err == nil && !d.IsDir() {
			names = append(names, filepath.ToSlash(rel))
			if info, err := d.Info(); err != nil || !info.ModTime().Equal(fixed) {
				t.Errorf("%s: %v, %v", rel, info, err)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestPrunedModulesAreEnough(t *testing.T) {
	s := open(t)
	pruned := s.prune(t, nil, "go", "list", "-export", "-deps", "-trimpath", ".")
	names := tree(t, pruned)
	const dep = "example.com/!upper/dep@v1.0.0/"
	for _, want := range []string{dep + "go.mod", dep + "dep.go", dep + "data/word.txt", dep + "internal/sum/ret.inc", "example.com/a/b/c@v1.0.0/c.go", "example.com/unused@v1.0.0/go.mod"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is missing", want)
		}
	}
	for _, name := range names {
		switch filepath.Base(name) {
		case "dep_test.go", "README.md", "o.go", "unused.go", "sum_plan9.go", "v1.0.0.zip", "v1.0.0.lock":
			t.Errorf("%s is there, and nothing reads it", name)
		}
	}
	for _, dir := range []string{s.dir, copied(t, s.dir)} {
		if sha := s.build(t, dir, pruned, ""); sha != s.sha {
			t.Error("the binary differs")
		}
	}
	if got := tree(t, pruned); !slices.Equal(got, names) {
		t.Errorf("the builds wrote to the module cache: %q, and before %q", got, names)
	}
	again := s.prune(t, nil, "go", "list", "-deps", "-trimpath", ".")
	if got := tree(t, again); !slices.Equal(got, names) {
		t.Errorf("a second run took %q, and the first %q", got, names)
	}
}

// What is compiled from the pruned module cache alone is the same, too.
func TestPrunedModulesCompile(t *testing.T) {
	s := open(t)
	pruned := s.prune(t, nil, "go", "-C", ".", "list", "-deps", "-trimpath", ".")
	dir, warm := copied(t, s.dir), copied(t, s.warm)
	forget(t, dir, warm)
	named := s.run(t, append(s.served(dir, warm), "GOMODCACHE="+pruned), "list", "-export", "-deps", "-trimpath", "-v", `-f={{""}}`, ".")
	for _, name := range thirdParty {
		if !slices.Contains(strings.Fields(named), name) {
			t.Fatalf("%s was not compiled: %q", name, named)
		}
	}
	if sha := s.build(t, dir, pruned, ""); sha != s.sha {
		t.Error("the binary differs")
	}
}

// forget takes what was compiled of modules out of build caches.
func forget(t *testing.T, caches ...string) {
	t.Helper()
	for _, cache := range caches {
		for name := range entries(t, cache) {
			data, err := os.ReadFile(filepath.Join(cache, name[:2], name))
			if err != nil {
				t.Fatal(err)
			}
			if bytes.HasPrefix(data, []byte(index)) || bytes.Contains(data, []byte("example.com/")) {
				if err := os.Remove(filepath.Join(cache, name[:2], name)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// index begins go's index of a module.
const index = "go index v"

func TestPrunedWorkspace(t *testing.T) {
	s := open(t)
	workFile := filepath.Join(t.TempDir(), "go.work")
	writeFiles(t, filepath.Dir(workFile), map[string]string{"go.work": "go 1.21\n\nuse " + s.app + "\n\nuse " + filepath.Join(s.app, "near") + "\n"})
	env := []string{"GOWORK=" + workFile}
	pruned := s.prune(t, env, "go", "list", "-export", "-deps", "-trimpath", ".")
	dir := copied(t, s.dir)
	listing := append(s.served(dir, ""), env...)
	s.run(t, listing, "list", "-export", "-deps", "-trimpath", `-f={{""}}`, ".")
	if whole, part := s.build(t, dir, s.modules, workFile), s.build(t, dir, pruned, workFile); whole != part {
		t.Error("the binary differs")
	}
}

func TestPruneFailsAsGoListDoes(t *testing.T) {
	s := open(t)
	for name, tt := range map[string]struct {
		argv []string
		code int
		says string
	}{
		"no such package": {[]string{"go", "list", "-deps", "./nowhere"}, 1, "nowhere"},
		"no such flag":    {[]string{"go", "list", "-depths", "."}, 2, "-depths"},
		"no such program": {[]string{"no-go", "list", "."}, 1, "no-go"},
		"not go list":     {[]string{"go", "build", "."}, 1, "go list"},
	} {
		var stdout, stderr bytes.Buffer
		cmd := s.command(t, nil, append([]string{s.prog, "list", "-dir", t.TempDir(), "-modcache", s.modules, "-out", t.TempDir(), "--"}, tt.argv...)...)
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		var failed *exec.ExitError
		if err := cmd.Run(); !errors.As(err, &failed) || failed.ExitCode() != tt.code || !strings.Contains(stderr.String(), tt.says) || stdout.Len() > 0 {
			t.Errorf("%s: %v, %q, %q", name, err, &stdout, &stderr)
		}
	}
}

func TestPruneRefusesLinks(t *testing.T) {
	s := open(t)
	modules := copied(t, s.modules)
	name := filepath.Join(modules, "example.com/a/b@v1.0.0/b.go")
	if err := errors.Join(os.Rename(name, name+"x"), os.Symlink("b.gox", name)); err != nil {
		t.Fatal(err)
	}
	cmd := s.command(t, []string{"GOMODCACHE=" + modules}, s.prog, "list", "-dir", t.TempDir(), "-modcache", modules, "-out", t.TempDir(), "--", "go", "list", "-deps", ".")
	if text, err := cmd.CombinedOutput(); err == nil || !bytes.Contains(text, []byte("b.go is not a regular file")) {
		t.Errorf("%v, %s", err, text)
	}
}
