package e2e

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/plimsoll-build/plimsoll/internal/corpus"
)

// debianPrograms are Go programs as a distribution builds them: with cgo, dynamically
// linked, by an old Go, in GOPATH mode. None of it is a mistake of verify's, so each row
// says why its verdicts are true. Rules that are not listed pass or have nothing to check.
var debianPrograms = []struct {
	pkg, path             string
	fails, warns, unknown []string
	why                   string
}{
	{"runc", "usr/sbin/runc", []string{"static", "cgo", "tmp"}, []string{"go-version"}, []string{"cgroup-libs"},
		"links libseccomp through cgo; built without a module list, so that the version of its cgroup library, itself, is not known"},
	{"docker.io", "usr/bin/docker", []string{"static", "cgo", "roots", "tmp"}, []string{"go-version"}, nil,
		"cgo for the resolver alone; speaks TLS, and an image of one file has no roots"},
	{"docker.io", "usr/sbin/dockerd", []string{"static", "cgo", "roots", "tmp"}, []string{"trimpath", "go-version"}, []string{"cgroup-libs"},
		"links libsystemd and libdevmapper; the only one of them that was built without -trimpath; holds the cgroup v1 package of containerd and runc's library, of versions that nothing tells"},
	{"docker.io", "usr/sbin/docker-proxy", []string{"static", "cgo"}, []string{"go-version"}, nil,
		"no TLS: roots has nothing to look for"},
	{"podman", "usr/bin/podman", []string{"static", "cgo", "roots", "tzdata", "tmp"}, []string{"go-version"}, []string{"cgroup-libs"},
		"links libgpgme, libseccomp and libdevmapper; also loads time zones"},
	{"podman", "usr/lib/podman/rootlessport", []string{"static", "cgo", "tmp"}, []string{"go-version"}, nil,
		"links libsubid"},
	{"skopeo", "usr/bin/skopeo", []string{"static", "cgo", "roots", "tmp"}, []string{"go-version"}, nil,
		"links libgpgme and libdevmapper"},
}

// TestDebianPrograms packages each program as an image and asserts every verdict.
func TestDebianPrograms(t *testing.T) {
	cache := corpusCache(t)
	for _, tt := range debianPrograms {
		t.Run(filepath.Base(tt.path), func(t *testing.T) {
			root, err := cache.Debian(t.Context(), tt.pkg)
			if err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(filepath.Join(root, tt.path))
			if err != nil {
				t.Fatal(err)
			}
			j := judged(t, nil, "oci:"+programImage(t, data))[0]
			for verdict, want := range map[string][]string{"fail": tt.fails, "warn": tt.warns, "unknown": tt.unknown} {
				if diff := gocmp.Diff(want, j.rules(verdict)); diff != "" {
					t.Errorf("%s (%s): %s", verdict, tt.why, diff)
				}
			}
		})
	}
}

// TestDebianProgramsInDocs keeps the page that explains them true.
func TestDebianProgramsInDocs(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "verify-findings.md"))
	if err != nil {
		t.Fatal(err)
	}
	list := func(rules []string) string { return cmp.Or(strings.Join(rules, ", "), "–") }
	for _, tt := range debianPrograms {
		has(t, "docs/verify-findings.md", string(page), fmt.Sprintf("| %s | %s | %s | %s | %s | %s |\n", tt.pkg, tt.path, list(tt.fails), list(tt.warns), list(tt.unknown), tt.why))
	}
}

// programImage is the layout of an image that holds one program.
func programImage(t *testing.T, data []byte) string {
	t.Helper()
	img, err := corpus.Scratch(data, v1.Config{User: "65532:65532"})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "layout")
	if err := corpus.WriteLayout(dir, img); err != nil {
		t.Fatal(err)
	}
	return dir
}
