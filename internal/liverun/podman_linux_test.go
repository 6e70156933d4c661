package liverun

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/corpus"
	"github.com/plimsoll-build/plimsoll/internal/testenv"
)

// TestPodman runs Debian's podman out of a directory, with storage and settings of its
// own: the engines that load an image and are asked about it.
func TestPodman(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		return // Debian's packages are fetched for amd64
	}
	installPodman(t)
	testRuntime(t, "podman", "good", "edited label", "GOMAXPROCS at run time", "old go line", "too small")
	t.Run("nameless", testNameless)
}

// testNameless: podman was interrupted after it had stored an image, and before it named it.
func testNameless(t *testing.T) {
	e, err := find(t.Context(), "podman")
	check(t, err)
	i := image(t, "1.26")
	interrupted := func() {
		t.Helper()
		c, err := e.prepareLoaded(t.Context(), idPrefix()+"nameless", i, Options{})
		check(t, err)
		l := c.(*loaded)
		_, err = e.output(t.Context(), "rm", l.id)
		check(t, err)
		_, err = e.output(t.Context(), "untag", l.image, l.image)
		check(t, err)
		l.hasImage, l.hasContainer = false, false
		check(t, l.remove(t.Context()))
	}
	interrupted()
	nothingLeft(t, "podman")

	theirs := &loaded{engine: e, image: "localhost/theirs:1"}
	check(t, theirs.load(t.Context(), i))
	interrupted()
	_, err = e.output(t.Context(), "rmi", theirs.image)
	check(t, err) // it was still there
	nothingLeft(t, "podman")
}

// podmanSettings are for a test without systemd, seccomp's profile or network helpers,
// and without the right to raise limits.
const podmanSettings = `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
seccomp_profile = "unconfined"
apparmor_profile = "unconfined"
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
conmon_path = [%q]
events_logger = "none"
runtime = "runc"
[network]
network_backend = "cni"
`

const podmanCommand = `#!/bin/sh
export HOME=%[1]q CONTAINERS_CONF=%[1]q/containers.conf LD_LIBRARY_PATH=%[2]q
exec %[3]q --root %[1]q/store --runroot %[1]q/run --tmpdir %[1]q/tmp --storage-driver vfs "$@"
`

func installPodman(t *testing.T) {
	t.Helper()
	cacheDir, err := testenv.CacheDir()
	check(t, err)
	cache := corpus.Cache(filepath.Join(cacheDir, "corpus"))
	root, err := cache.DebianTree(t.Context(), "podman", "podman")
	check(t, err)
	home := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		check(t, os.MkdirAll(filepath.Dir(filepath.Join(home, name)), 0o755))
		check(t, os.WriteFile(filepath.Join(home, name), []byte(text), mode))
	}
	write(".config/containers/policy.json", `{"default":[{"type":"insecureAcceptAnything"}]}`, 0o644)
	write("containers.conf", fmt.Sprintf(podmanSettings, filepath.Join(root, "usr/bin/conmon")), 0o644)
	write("bin/podman", fmt.Sprintf(podmanCommand, home, libraries(t, root), filepath.Join(root, "usr/bin/podman")), 0o755)
	t.Setenv("PATH", filepath.Join(home, "bin")+":"+os.Getenv("PATH"))
}

// glibc are the libraries that must be of one piece with this machine's loader.
var glibc = regexp.MustCompile(`^(ld-linux.*|lib(c|m|dl|rt|pthread|resolv|util|anl|mvec|BrokenLocale|nsl|nss_.*|thread_db|c_malloc_debug|memusage|pcprofile))\.so`)

// libraries is a directory of a tree's libraries, but for the C library's: podman starts
// itself anew, and so has to start by this machine's loader.
func libraries(t *testing.T, root string) string {
	t.Helper()
	dir := t.TempDir()
	for _, sub := range []string{"lib", "usr/lib"} {
		files, err := filepath.Glob(filepath.Join(root, sub, "x86_64-linux-gnu", "*.so*"))
		check(t, err)
		for _, file := range files {
			if name := filepath.Base(file); !glibc.MatchString(name) {
				check(t, os.Symlink(file, filepath.Join(dir, name)))
			}
		}
	}
	return dir
}
