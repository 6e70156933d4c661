package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLocalCache exports into a directory, and imports it on a fresh daemon.
func TestLocalCache(t *testing.T) {
	b := bed(t)
	dir, cache := monorepo(t), t.TempDir()
	progressOf(t, b, b.Daemon, dir, t.TempDir()+"/l", "--cache-to", "type=local,mode=max,compression=zstd,dest="+cache)
	ran, _ := progressOf(t, b, b.FreshDaemon(t), dir, t.TempDir()+"/l", "--cache-from", "type=local,src="+cache)
	if got := execs(ran); len(got) > 0 {
		t.Errorf("%q ran with everything in the cache", got)
	}
}

// TestCacheThatLostABlob deletes each large blob of a registry cache in turn: what is missing
// is made again, and the binary is the same.
func TestCacheThatLostABlob(t *testing.T) {
	b := bed(t)
	dir := monorepo(t)
	name := "/cache/lossy:1"
	cache := "type=registry,ref=" + b.Registry.Addr + name
	before := storedFiles(t, b.Registry.Dir)
	first := filepath.Join(t.TempDir(), "layout")
	// A package of its own, so that the cache has blobs that no other test's has.
	edit(t, dir, "lib/leaf/leaf.go", "package leaf", "package leaf\n\n// Lossy is here for this test.\nvar Lossy = `"+strings.Repeat("lossy ", 1000)+"`")
	progressOf(t, b, b.Daemon, dir, first, "--cache-to", cache+",mode=max,compression=zstd,force-compression=true")
	want := files(t, images(t, first)["linux/amd64"])["/svc"].sum
	var lost int
	for file := range storedFiles(t, b.Registry.Dir) {
		info, err := os.Stat(file)
		if err != nil || before[file] || info.Size() < 4096 {
			continue
		}
		lost++
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	if lost == 0 {
		t.Fatal("the cache has no blob of its own")
	}
	dest := filepath.Join(t.TempDir(), "layout")
	progressOf(t, b, b.FreshDaemon(t), dir, dest, "--cache-from", cache)
	if got := files(t, images(t, dest)["linux/amd64"])["/svc"].sum; got != want {
		t.Errorf("the binary is %s, want %s", got, want)
	}
}

// storedFiles are the files of a registry.
func storedFiles(t *testing.T, dir string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			found[name] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestTwoBuildsAtOnce share a cache, a daemon and its warm build cache.
func TestTwoBuildsAtOnce(t *testing.T) {
	b := bed(t)
	var wg sync.WaitGroup
	sums := make([]string, 3)
	dests := make([]string, len(sums))
	for i := range sums {
		dests[i] = filepath.Join(t.TempDir(), "layout")
		dir := monorepo(t)
		edit(t, dir, "lib/leaf/leaf.go", `"leaf"`, `"at once"`)
		wg.Go(func() { progressOf(t, b, b.Daemon, dir, dests[i]) })
	}
	wg.Wait()
	for i, dest := range dests {
		sums[i] = files(t, images(t, dest)["linux/amd64"])["/svc"].sum
	}
	if diff := cmp.Diff(slices.Repeat(sums[:1], len(sums)), sums); diff != "" {
		t.Errorf("builds at once differ:\n%s", diff)
	}
}
