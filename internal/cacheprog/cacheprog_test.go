package cacheprog_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plimsoll-build/plimsoll/internal/cacheprog"
)

var fixed = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// shop is where the tests work: the program, the service, its modules, and a build cache
// that an earlier build of it left.
type shop struct{ prog, app, modules, warm, dir, sha string }

var work string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "cacheprog-")
	if err != nil {
		panic(err)
	}
	work = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

var opened = sync.OnceValue(func() *shop { return new(shop) })

// open makes the shop once: the standard library is compiled a single time.
func open(t *testing.T) *shop {
	t.Helper()
	s := opened()
	if s.sha != "" {
		return s
	}
	*s = shop{
		prog: filepath.Join(work, "bin", "cacheprog"), app: filepath.Join(work, "app"),
		modules: filepath.Join(work, "modules"), warm: filepath.Join(work, "warm"), dir: filepath.Join(work, "first"),
	}
	source := map[string]string{}
	for name, data := range cacheprog.Files() {
		source[name] = string(data)
	}
	writeFiles(t, filepath.Join(work, "prog"), source)
	build := exec.CommandContext(t.Context(), "go", "build", "-o", s.prog, ".")
	build.Dir = filepath.Join(work, "prog")
	build.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "CGO_ENABLED=0", "GOTOOLCHAIN=local")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	publish(t, filepath.Join(work, "proxy"))
	writeFiles(t, s.app, service)
	s.run(t, []string{"GOFLAGS=-mod=mod -modcacherw", "GOPROXY=file://" + filepath.Join(work, "proxy"), "GOSUMDB=off"}, "mod", "download", "all")
	named := strings.Fields(s.list(t, s.dir, s.warm))
	for _, name := range append(thirdParty, "runtime", "example.com/app") {
		if !slices.Contains(named, name) {
			t.Fatalf("without a cache, %s was not compiled: %q", name, named)
		}
	}
	s.sha = s.build(t, s.dir, s.modules, "")
	return s
}

// run runs the go command in the service's directory, without a network, and returns its
// standard error.
func (s *shop) run(t *testing.T, env []string, args ...string) string {
	t.Helper()
	cmd := s.command(t, env, append([]string{"go"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = nil, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("go %q: %v\n%s", args, err, &stderr)
	}
	return stderr.String()
}

func (s *shop) command(t *testing.T, env []string, argv ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Dir = s.app
	cmd.Env = append(os.Environ(), "GOMODCACHE="+s.modules, "GOPROXY=off", "GOFLAGS=-mod=readonly", "GOWORK=off",
		"GOCACHEPROG=", "CGO_ENABLED=0", "GOTOOLCHAIN=local", "PWD="+s.app)
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// served is the environment in which the program serves a build cache.
func (s *shop) served(dir, warm string) []string {
	env := "GOCACHEPROG=" + s.prog + " cache -dir " + dir
	if warm != "" {
		env += " -warm " + warm
	}
	return []string{env, "GOCACHE=" + dir}
}

// list compiles the service's packages and returns what the go command says of it.
func (s *shop) list(t *testing.T, dir, warm string) string {
	t.Helper()
	return s.run(t, s.served(dir, warm), "list", "-export", "-deps", "-trimpath", "-v", `-f={{""}}`, ".")
}

// build links with a plain go command and returns the binary's sum. It compiles nothing.
func (s *shop) build(t *testing.T, dir, modules, workFile string, flags ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "app")
	if workFile == "" {
		workFile = "off"
	}
	args := append(append([]string{"build", "-v", "-trimpath", "-o", out}, flags...), ".")
	if named := s.run(t, []string{"GOCACHE=" + dir, "GOMODCACHE=" + modules, "GOWORK=" + workFile}, args...); named != "" {
		t.Errorf("the link compiled packages:\n%s", named)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	return string(sum[:])
}

// entries are the names and times of a build cache's entries.
func entries(t *testing.T, dir string) map[string]time.Time {
	t.Helper()
	found := map[string]time.Time{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, "-a") && !strings.HasSuffix(name, "-d") {
			return err
		}
		info, err := d.Info()
		if err == nil {
			found[filepath.Base(name)] = info.ModTime().UTC()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func copied(t *testing.T, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestPlainBuildIsTheSame(t *testing.T) {
	s := open(t)
	out := filepath.Join(t.TempDir(), "app")
	s.run(t, nil, "build", "-trimpath", "-o", out, ".") // in the cache of whoever runs the tests
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(data); string(sum[:]) != s.sha {
		t.Error("a plain go build's binary differs")
	}
}

func TestWarmRestores(t *testing.T) {
	s := open(t)
	warm, dir := copied(t, s.warm), t.TempDir()
	var other string // an entry that this compile does not need
	for name := range entries(t, warm) {
		if strings.HasSuffix(name, "-a") {
			other = name[:2] + "/" + strings.Repeat("0", len(name)-2) + "-a"
		}
	}
	writeFiles(t, warm, map[string]string{other: "v1\n"})
	if named := s.list(t, dir, warm); named != "" {
		t.Errorf("with a warm cache, packages were compiled:\n%s", named)
	}
	got := entries(t, dir)
	if sha := s.build(t, dir, s.modules, ""); sha != s.sha {
		t.Error("the binary differs")
	}
	if _, ok := got[filepath.Base(other)]; ok {
		t.Error("an entry that nothing asked for came along")
	}
	first := entries(t, s.dir)
	for name, at := range got {
		if _, ok := first[name]; !ok || !at.Equal(fixed) {
			t.Errorf("%s: of %v, of the first run: %v", name, at, ok)
		}
	}
}

func TestLayerEntriesAreNotTouched(t *testing.T) {
	s := open(t)
	dir, old := copied(t, s.dir), time.Now().Add(-240*time.Hour).Truncate(time.Second).UTC()
	for name := range entries(t, dir) {
		if err := os.Chtimes(filepath.Join(dir, name[:2], name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	if named := s.list(t, dir, copied(t, s.warm)); named != "" {
		t.Errorf("packages were compiled:\n%s", named)
	}
	for name, at := range entries(t, dir) {
		if !at.Equal(old) {
			t.Errorf("%s is of %v", name, at)
		}
	}
}

func TestBuildsShareWarm(t *testing.T) {
	s := open(t)
	warm := copied(t, s.warm)
	for name := range entries(t, warm) { // some of it is damaged, some gone
		switch file := filepath.Join(warm, name[:2], name); {
		case name < "1":
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		case name < "2":
			if err := os.Truncate(file, 10); err != nil {
				t.Fatal(err)
			}
		}
	}
	var wait sync.WaitGroup
	dirs := []string{t.TempDir(), t.TempDir()}
	failed := make([]error, len(dirs))
	for i, dir := range dirs {
		cmd := s.command(t, s.served(dir, warm), "go", "list", "-export", "-deps", "-trimpath", `-f={{""}}`, ".")
		wait.Go(func() { failed[i] = cmd.Run() })
	}
	wait.Wait()
	if err := errors.Join(failed...); err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		if sha := s.build(t, dir, s.modules, ""); sha != s.sha {
			t.Error("the binary differs")
		}
	}
	if named := s.list(t, t.TempDir(), warm); named != "" {
		t.Errorf("the warm cache is not whole again:\n%s", named)
	}
}

// TestSeedServesAnEditedService holds what the seed is for: of sources that have changed since,
// what the change touches is compiled, the rest is in the seed's part of the cache.
func TestSeedServesAnEditedService(t *testing.T) {
	s := open(t)
	stashed, at, part := t.TempDir(), t.TempDir(), t.TempDir()
	program := func(env []string, argv ...string) {
		t.Helper()
		cmd := s.command(t, env, append([]string{s.prog}, argv...)...)
		cmd.Dir = at
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Fatalf("%q: %v\n%s", argv, err, out)
		}
	}
	sketch := filepath.Join(t.TempDir(), "sums")
	program(nil, "stash", "-dir", s.app, "-warm", stashed, "-name", "app", "-out", sketch)
	cache := []string{"GOCACHEPROG=" + s.prog + " cache -dir " + part, "PWD=" + at}
	program(cache, "seed", "-dir", at, "-warm", stashed, "-name", "app", "-sketch", sketch, "--", "go", "list", "-export", "-deps", "-trimpath", `-f={{""}}`, ".")
	edited := filepath.Join(t.TempDir(), "edited")
	if err := os.CopyFS(edited, os.DirFS(s.app)); err != nil {
		t.Fatal(err)
	}
	writeFiles(t, edited, map[string]string{"main.go": service["main.go"] + "\nvar edited = 1\n"})
	cmd := s.command(t, []string{"GOCACHEPROG=" + s.prog + " cache -dir " + t.TempDir() + " -from " + t.TempDir() + ":" + part, "PWD=" + edited},
		"go", "list", "-export", "-deps", "-trimpath", "-v", `-f={{""}}`, ".")
	cmd.Dir = edited
	if out, err := cmd.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "example.com/app" {
		t.Errorf("%v; compiled were, beside the edited package:\n%s", err, out)
	}
}

func TestFilesAreOneModule(t *testing.T) {
	files := cacheprog.Files()
	if _, ok := files["go.mod"]; !ok {
		t.Error("no go.mod")
	}
	for name := range files {
		if strings.HasSuffix(name, "_test.go") || strings.Contains(name, "/") {
			t.Errorf("%s does not belong to the program", name)
		}
	}
	if again := cacheprog.Files(); len(again) != len(files) || !slices.Equal(again["main.go"], files["main.go"]) {
		t.Error("the files change")
	}
}
