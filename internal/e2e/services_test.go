package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSecondServiceOfAModule holds that services of a module share what was fetched, on one daemon,
// whatever they import, and not the layers of an image that has the same files in others.
func TestSecondServiceOfAModule(t *testing.T) {
	b := bed(t)
	t.Cleanup(func() { _ = os.RemoveAll(coldCache) })
	dir := monorepoOf(t, mono+`-- c.yaml --
# syntax=ghcr.io/plimsoll-build/plimsoll:1
apiVersion: plimsoll.build/v1
name: svc
build:
  main: ./svc/c
  stamp: {revision: main.revision}
-- svc/c/main.go --
package main

import (
	"net/http"

	"golang.org/x/sync/semaphore"

	"example.com/mono/lib/other"
)

var revision string

func main() {
	println(other.Word, revision, semaphore.NewWeighted(1).TryAcquire(1), http.StatusText(http.StatusOK))
}
`)
	daemon := b.FreshDaemon(t)
	progressOf(t, b, daemon, dir, t.TempDir()+"/l", aRevision...)
	args, dest := append([]string{"-f", filepath.Join(dir, "c.yaml")}, aRevision...), filepath.Join(t.TempDir(), "layout")
	ran, _ := progressOf(t, b, daemon, dir, dest, args...)
	if diff := cmp.Diff([]string{others, own, stamps}, execs(ran)); diff != "" {
		t.Errorf("what ran (-want +got):\n%s", diff)
	}
	checkBinary(t, b, dest, dir, args...)

	// The same files in other layers are another image.
	edit(t, dir, "c.yaml", "name: svc", "name: svc\nimage: {workdir: /home/nonroot}")
	dest = filepath.Join(t.TempDir(), "layers")
	progressOf(t, b, daemon, dir, dest, args...)
	other := images(t, embeddedLayout(t, b, append(args, "--platform", "linux/amd64", dir)...))["linux/amd64"]
	want, got := config(t, other).RootFS.DiffIDs, config(t, images(t, dest)["linux/amd64"]).RootFS.DiffIDs
	if len(got) != len(want) || len(want) != 3 { // the second differs, see docs/engines.md
		t.Errorf("layers are %s, want as in %s", got, want)
	}
}
