package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/moby/buildkit/client"

	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/testenv"
)

// mono is a repository of two services: one with a dependency, a workspace-free module, an
// embedded file and a stamp.
const mono = `
-- plimsoll.yaml --
# syntax=ghcr.io/plimsoll-build/plimsoll:1
apiVersion: plimsoll.build/v1
name: svc
build:
  main: ./svc/a
  stamp: {version: main.version, revision: main.revision}
-- go.mod --
module example.com/mono

go 1.26

require golang.org/x/sync v0.10.0
-- go.sum --
-- svc/a/main.go --
package main

import (
	"embed"
	"net/http"

	"golang.org/x/sync/errgroup"

	"example.com/mono/lib/leaf"
)

//go:embed text
var text embed.FS

var version, revision string

func main() {
	var g errgroup.Group
	g.Go(func() error { return http.ErrServerClosed })
	println(leaf.Word(), version, revision, g.Wait().Error())
	_, _ = text.ReadFile("text/a.txt")
}
-- svc/a/main_test.go --
package main
-- svc/a/text/a.txt --
a
-- svc/b/main.go --
package main

import "example.com/mono/lib/other"

func main() { println(other.Word) }
-- lib/leaf/leaf.go --
package leaf

func Word() string { return "leaf" }
-- lib/other/other.go --
package other

const Word = "other"
-- README.md --
about
-- .git/HEAD --
ref: refs/heads/main
`

// extracts is before the name of a vertex that unpacked a layer which it pulled.
const extracts = "extracting for "

// progressOf builds the image into a layout and returns what ran, by name, and its output;
// and the names of all vertices.
func progressOf(t *testing.T, b *testenv.Bed, d *testenv.Daemon, dir, dest string, args ...string) (ran map[string]string, all map[string]bool) {
	t.Helper()
	args = append([]string{"build", "--progress=rawjson", "--provenance=false", "-f", dir + "/plimsoll.yaml", "-o", "type=oci,tar=false,dest=" + dest}, args...)
	out := b.BuildxOn(t, d, nil, append(args, dir)...).Must(t).Stderr
	names, logs := map[string]string{}, map[string]string{}
	finished, cached, extracted := map[string]bool{}, map[string]bool{}, map[string]bool{}
	lines := bufio.NewScanner(strings.NewReader(out))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var s client.SolveStatus
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			continue // buildx' own words
		}
		for _, v := range s.Vertexes {
			id := v.Digest.String()
			names[id] = v.Name
			finished[id] = finished[id] || v.Completed != nil
			cached[id] = cached[id] || v.Cached // it may be loaded after that, as if it ran
		}
		for _, l := range s.Logs {
			logs[l.Vertex.String()] += string(l.Data)
		}
		for _, st := range s.Statuses {
			if id := st.Vertex.String(); strings.HasPrefix(st.ID, "extracting ") {
				extracted[id] = true
			}
		}
	}
	ran, all = map[string]string{}, map[string]bool{}
	for id, name := range names {
		all[name] = true
		if extracted[id] {
			all[extracts+name] = true
		}
		if finished[id] && !cached[id] {
			ran[name] += logs[id]
		}
	}
	return ran, all
}

// Names of vertices that run the go command or what it runs, and of one that they read.
const (
	takesGo      = "take what compiling reads of go"
	makesProg    = "compile the build cache program"
	std          = "compile the standard library"
	fetches      = "fetch Go modules"
	others       = "compile packages of other modules"
	seedsFetch   = fetches + " for updates to come"
	seedsOthers  = others + " for updates to come"
	keepsModules = "keep the module files for the next vertex"
	keepsList    = "keep the list of packages for the next vertex"
	keeps        = "keep the service's sources for the next vertex"
	seeds        = "compile the service's own packages for edits to come"
	own          = "compile the service's own packages and link them"
	stamps       = "stamp svc"
	compiles     = "compile the service's own packages and link svc" // without a stamp
)

// aRevision is given to builds, so that there is something to stamp.
var aRevision = []string{"--build-arg", "REVISION=0000000000000000000000000000000000000000"}

// execs are those vertices that ran, sorted.
func execs(ran map[string]string) []string {
	var out []string
	for name := range ran {
		if slices.Contains([]string{makesProg, std, fetches, others, seedsOthers, seedsFetch, keepsModules, keepsList, keeps, seeds, own, stamps, compiles}, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// plainBuild is the sha256 of the binary that the plan's own command line makes on this
// machine, without any of our graph.
func plainBuild(t *testing.T, b *testenv.Bed, dir string, args ...string) string {
	t.Helper()
	var p plan.Plan
	printed := plimsoll(t, b, nil, append(append([]string{"plan", "--platform", "linux/amd64"}, args...), dir)...).must(t).stdout
	if err := json.Unmarshal([]byte(printed), &p); err != nil {
		t.Fatal(err)
	}
	c, paths := p.Compiles[0], plan.Paths{Context: dir, Out: filepath.Join(t.TempDir(), "svc")}
	argv, err := plan.Argv(plan.Link, c, paths)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Dir = filepath.Join(dir, c.Dir)
	cmd.Env = append(os.Environ(), append(plan.Environ(c, paths), "GOCACHE="+coldCache)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(paths.Out)
	if err != nil {
		t.Fatal(err)
	}
	return sum(data)
}

// checkBinary holds that the binary in the layout is that of a plain build.
func checkBinary(t *testing.T, b *testenv.Bed, dest, dir string, args ...string) {
	t.Helper()
	img := images(t, dest)["linux/amd64"]
	if got, want := files(t, img)["/svc"].sum, plainBuild(t, b, dir, args...); got != want {
		t.Errorf("the binary is %s, that of a plain build %s", got, want)
	}
}

// coldCache is a Go build cache that only plainBuild uses, and only in this run of the tests.
var coldCache = filepath.Join(os.TempDir(), fmt.Sprintf("plimsoll-e2e-go-build-%d", os.Getpid()))

func edit(t *testing.T, dir, name, old, new string) {
	t.Helper()
	file := filepath.Join(dir, name)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), old) {
		t.Fatalf("%s lacks %q", name, old)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(data), old, new)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// monorepo is mono with its go.sum, in a directory of its own.
func monorepo(t *testing.T) string {
	t.Helper()
	return monorepoOf(t, mono)
}

func monorepoOf(t *testing.T, text string) string {
	t.Helper()
	dir := unpack(t, text)
	if err := os.RemoveAll(filepath.Join(dir, "go.sum")); err != nil {
		t.Fatal(err)
	}
	runGo(t, dir, []string{"GOWORK=off"}, "mod", "tidy")
	return dir
}

// TestFreshDaemonRunsOnlyWhatChanged exports one daemon's cache, and imports it on a fresh
// daemon for each change: what runs there, and that the binary is the one of a plain build.
func TestFreshDaemonRunsOnlyWhatChanged(t *testing.T) {
	b := bed(t)
	t.Cleanup(func() { _ = os.RemoveAll(coldCache) })
	cache := "type=registry,ref=" + b.Registry.Addr + "/cache/mono:1"
	// A fetch that this daemon had run before would not be exported: the module has a name of its own.
	repository := func(t *testing.T) string {
		return monorepoOf(t, strings.ReplaceAll(mono, "example.com/mono", "example.com/fresh"))
	}
	first := repository(t)
	_, all := progressOf(t, b, b.Daemon, first, t.TempDir()+"/l", append(aRevision, "--cache-to", cache+",mode=max,compression=zstd")...)
	for _, name := range []string{makesProg, std, fetches, others, own, stamps} {
		if !all[name] {
			t.Fatalf("there is no vertex %q: %v", name, all)
		}
	}
	touch := func(t *testing.T, dir string) {
		err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
			if err == nil {
				err = os.Chtimes(name, time.Time{}, time.Now().Add(-240*time.Hour))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		edit func(t *testing.T, dir string)
		args []string
		want []string
	}{
		{"nothing", func(*testing.T, string) {}, nil, nil},
		{"another umask", groupWritable, nil, nil},
		{"other times", touch, nil, nil},
		{"README and test and dot-git and another service", func(t *testing.T, dir string) {
			edit(t, dir, "README.md", "about", "more about")
			edit(t, dir, "svc/a/main_test.go", "package main", "package main\n\nvar x = 1")
			edit(t, dir, ".git/HEAD", "main", "other")
			edit(t, dir, "svc/b/main.go", "println", "print")
			edit(t, dir, "lib/other/other.go", "other\"", "another\"")
		}, nil, nil},
		{"only the commit", func(*testing.T, string) {}, []string{"--build-arg", "REVISION=0123456789012345678901234567890123456789"}, []string{stamps}},
		{"a leaf", func(t *testing.T, dir string) { edit(t, dir, "lib/leaf/leaf.go", `"leaf"`, `"edit"`) }, nil, []string{own, stamps}},
		{"an embedded file", func(t *testing.T, dir string) { edit(t, dir, "svc/a/text/a.txt", "a", "b") }, nil, []string{own, stamps}},
		{"a dependency", func(t *testing.T, dir string) {
			runGo(t, dir, []string{"GOWORK=off"}, "get", "golang.org/x/sync@v0.11.0")
		}, nil, []string{others, own, keepsModules, fetches, stamps}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, dest := repository(t), filepath.Join(t.TempDir(), "layout")
			c.edit(t, dir)
			if c.args == nil {
				c.args = aRevision
			}
			ran, all := progressOf(t, b, b.FreshDaemon(t), dir, dest, append([]string{"--cache-from", cache}, c.args...)...)
			slices.Sort(c.want)
			if diff := cmp.Diff(c.want, execs(ran)); diff != "" {
				t.Errorf("what ran (-want +got):\n%s", diff)
			}
			unpacked := func(part string) bool {
				for name := range all {
					if strings.HasPrefix(name, extracts) && strings.Contains(name, part) {
						return true
					}
				}
				return false
			}
			if got, want := unpacked("golang:"), slices.Contains(c.want, fetches); got != want { // nothing else needs all of it
				t.Errorf("the toolchain image was pulled: %t, want %t", got, want)
			}
			if got, want := unpacked(takesGo), slices.Contains(c.want, own); got != want { // a stamp does without
				t.Errorf("the compiler was unpacked: %t, want %t", got, want)
			}
			checkBinary(t, b, dest, dir, c.args...)
		})
	}
}

// TestLargeServiceCompilesWhatAnEditTouches is of a service with so many packages that most of
// what an edit leaves as it is comes from the cache, though the sources as a whole are new.
func TestLargeServiceCompilesWhatAnEditTouches(t *testing.T) {
	b := bed(t)
	t.Cleanup(func() { _ = os.RemoveAll(coldCache) })
	cache := "type=registry,ref=" + b.Registry.Addr + "/cache/large:1"
	large := func(t *testing.T) string {
		text, imports := mono, ""
		for i := range 24 {
			name := fmt.Sprintf("p%02d", i)
			imports += fmt.Sprintf("import _ \"example.com/mono/lib/%s\"\n", name)
			text += fmt.Sprintf("-- lib/%[1]s/%[1]s.go --\npackage %[1]s\n\nvar X = 1\n", name)
		}
		return monorepoOf(t, text+"-- svc/a/many.go --\npackage main\n\n"+imports)
	}
	progressOf(t, b, b.Daemon, large(t), t.TempDir()+"/l", append(aRevision, "--cache-to", cache+",mode=max,compression=zstd")...)
	// One edit in sixteen makes the seed anew, by the sums of the files: these are two of them.
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"nothing", "1", nil},
		{"an edit", "2", []string{own, keeps, stamps}},
		{"an edit that makes the seed anew", "17", []string{own, seeds, keeps, stamps}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, dest := large(t), filepath.Join(t.TempDir(), "layout")
			edit(t, dir, "lib/p07/p07.go", "1", c.text)
			ran, _ := progressOf(t, b, b.FreshDaemon(t), dir, dest, append(aRevision, "--cache-from", cache)...)
			slices.Sort(c.want)
			if diff := cmp.Diff(c.want, execs(ran)); diff != "" {
				t.Errorf("what ran (-want +got):\n%s", diff)
			}
			checkBinary(t, b, dest, dir, aRevision...)
		})
	}
}

// TestUpdatedModuleCompilesWhatItTouches is of a service with so many dependencies that most of
// what an update leaves as it is comes from the cache, though the module files are new.
func TestUpdatedModuleCompilesWhatItTouches(t *testing.T) {
	b := bed(t)
	t.Cleanup(func() { _ = os.RemoveAll(coldCache) })
	cache := "type=registry,ref=" + b.Registry.Addr + "/cache/updated:1"
	service := func(t *testing.T) string {
		// With a name of its own it shares no seed with other tests.
		text := strings.Replace(strings.ReplaceAll(mono, "example.com/mono", "example.com/updated"), "require golang.org/x/sync v0.10.0", "require (\n\tgolang.org/x/sync v0.10.0\n\tgolang.org/x/text v0.21.0\n)", 1)
		return monorepoOf(t, text+"-- svc/a/many.go --\npackage main\n"+`
import (
	_ "golang.org/x/sync/semaphore"
	_ "golang.org/x/sync/singleflight"
	_ "golang.org/x/sync/syncmap"
	_ "golang.org/x/text/runes"
	_ "golang.org/x/text/transform"
	_ "golang.org/x/text/unicode/bidi"
	_ "golang.org/x/text/unicode/norm"
)
`)
	}
	update := func(module string) func(*testing.T, string) {
		return func(t *testing.T, dir string) { runGo(t, dir, []string{"GOWORK=off"}, "get", module) }
	}
	progressOf(t, b, b.Daemon, service(t), t.TempDir()+"/l", append(aRevision, "--cache-to", cache+",mode=max,compression=zstd")...)
	// One update in sixteen makes the seed anew, by the sums of the lines of go.mod.
	for _, c := range []struct {
		name     string
		edit     func(t *testing.T, dir string)
		want     []string
		compiled []string
	}{
		{"nothing", func(*testing.T, string) {}, nil, nil},
		{"an update", update("golang.org/x/sync@v0.11.0"), []string{fetches, keepsModules, keepsList, others, own, stamps},
			[]string{"golang.org/x/sync/errgroup", "golang.org/x/sync/semaphore", "golang.org/x/sync/singleflight", "golang.org/x/sync/syncmap"}},
		{"an import more", func(t *testing.T, dir string) {
			edit(t, dir, "svc/a/many.go", "x/text/runes\"", "x/text/runes\"\n\t_ \"golang.org/x/text/width\"")
		}, []string{keepsList, others, own, stamps}, []string{"golang.org/x/text/width"}},
		{"an update that makes the seed anew", update("golang.org/x/text@v0.17.0"),
			[]string{fetches, seedsFetch, keepsModules, keepsList, seedsOthers, others, own, stamps}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, dest := service(t), filepath.Join(t.TempDir(), "layout")
			c.edit(t, dir)
			ran, _ := progressOf(t, b, b.FreshDaemon(t), dir, dest, append(aRevision, "--cache-from", cache)...)
			slices.Sort(c.want)
			if diff := cmp.Diff(c.want, execs(ran)); diff != "" {
				t.Errorf("what ran (-want +got):\n%s", diff)
			}
			compiled := strings.Fields(ran[others]) // -v names them
			slices.Sort(compiled)
			if diff := cmp.Diff(c.compiled, compiled, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("what was compiled of other modules (-want +got):\n%s", diff)
			}
			checkBinary(t, b, dest, dir, aRevision...)
		})
	}
}

// TestWithoutAStampOneVertexCompilesAndLinks is of a build in which nothing is known at link time
// only: after an edit the go command runs once, and names what it compiles.
func TestWithoutAStampOneVertexCompilesAndLinks(t *testing.T) {
	b := bed(t)
	t.Cleanup(func() { _ = os.RemoveAll(coldCache) })
	cache := "type=registry,ref=" + b.Registry.Addr + "/cache/unstamped:1"
	progressOf(t, b, b.Daemon, monorepo(t), t.TempDir()+"/l", "--cache-to", cache+",mode=max,compression=zstd")
	dir, dest, fresh := monorepo(t), filepath.Join(t.TempDir(), "layout"), b.FreshDaemon(t)
	ran, _ := progressOf(t, b, fresh, dir, dest, "--cache-from", cache)
	if got := execs(ran); len(got) > 0 {
		t.Errorf("nothing changed, and these ran: %q", got)
	}
	edit(t, dir, "lib/leaf/leaf.go", `"leaf"`, `"edit"`)
	ran, _ = progressOf(t, b, fresh, dir, dest, "--cache-from", cache)
	if diff := cmp.Diff([]string{compiles}, execs(ran)); diff != "" {
		t.Errorf("what ran (-want +got):\n%s", diff)
	}
	if out := ran[compiles]; strings.Contains(out, "golang.org/x/sync") {
		t.Errorf("an edit compiled other modules:\n%s", out)
	}
	img := images(t, dest)["linux/amd64"]
	if got, want := files(t, img)["/svc"].sum, plainBuild(t, b, dir); got != want {
		t.Errorf("the binary is %s, that of a plain build %s", got, want)
	}
}

// TestExperimentLinksByGo is of a toolchain whose links are not known: the go command links with the
// stamp, and a new commit compiles nothing.
func TestExperimentLinksByGo(t *testing.T) {
	b := bed(t)
	t.Cleanup(func() { _ = os.RemoveAll(coldCache) })
	dir, dest := monorepo(t), filepath.Join(t.TempDir(), "layout")
	edit(t, dir, "plimsoll.yaml", "  main: ./svc/a", "  main: ./svc/a\n  env: {GOEXPERIMENT: jsonv2}")
	progressOf(t, b, b.Daemon, dir, t.TempDir()+"/l", aRevision...)
	args := []string{"--build-arg", "REVISION=0123456789012345678901234567890123456789"}
	ran, _ := progressOf(t, b, b.Daemon, dir, dest, args...)
	if out, ok := ran["link svc"]; !ok || out != "" { // -v would name what it compiles
		t.Errorf("of %q the link compiled %q", slices.Sorted(maps.Keys(ran)), out)
	}
	if got := execs(ran); len(got) > 0 {
		t.Errorf("only the commit is new, and these ran: %q", got)
	}
	checkBinary(t, b, dest, dir, args...)
}
