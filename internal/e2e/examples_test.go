package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/plimsoll-build/plimsoll/internal/testenv"
)

// examples are the specs of examples/, with the context that each is built in.
var examples = []struct{ name, context, spec string }{
	{"hello", "hello", "plimsoll.yaml"},
	{"api", "api", "plimsoll.yaml"},
	{"api-scratch", "api", "plimsoll.scratch.yaml"},
	{"workspace", "workspace", "services/orders/plimsoll.yaml"},
}

const bothPlatforms = "linux/amd64,linux/arm64"

// TestExamplesAreTheSameFromBothEngines builds each example with no daemon and through
// buildx with the frontend image of its syntax line, for two platforms, and compares all
// that the two images are. The config is compared byte by byte: history and times too.
func TestExamplesAreTheSameFromBothEngines(t *testing.T) {
	b := bed(t)
	for _, ex := range examples {
		t.Run(ex.name, func(t *testing.T) {
			context := filepath.Join("..", "..", "examples", ex.context)
			spec := filepath.Join(context, ex.spec)
			embedded, daemon := filepath.Join(t.TempDir(), "e"), filepath.Join(t.TempDir(), "d")
			plimsoll(t, b, nil, "build", "-q", "--platform", bothPlatforms, "-f", spec, "-o", "type=oci,tar=false,dest="+embedded, context).must(t)
			b.Buildx(t, nil, "build", "--platform", bothPlatforms, "--provenance=false", "-f", spec, "-o", "type=oci,tar=false,dest="+daemon, context).Must(t)
			for _, layout := range []string{embedded, daemon} {
				plimsoll(t, b, nil, "verify", "oci:"+layout).must(t)
			}
			one, two := images(t, embedded), images(t, daemon)
			if len(one) != 2 || len(two) != 2 {
				t.Fatalf("%d and %d platforms, want 2", len(one), len(two))
			}
			for platform := range one {
				t.Run(platform, func(t *testing.T) { same(t, one[platform], two[platform]) })
			}
		})
	}
}

// same compares two images but for the compression of their layers.
func same(t *testing.T, one, two v1.Image) {
	t.Helper()
	if diff := cmp.Diff(rawConfig(t, one), rawConfig(t, two)); diff != "" {
		t.Errorf("configs differ (DiffIDs, labels, seal, history):\n%s", diff)
	}
	m1, err1 := one.Manifest()
	m2, err2 := two.Manifest()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if diff := cmp.Diff(m1.Annotations, m2.Annotations); diff != "" {
		t.Errorf("annotations differ:\n%s", diff)
	}
	sums := func(img v1.Image) map[string]string {
		out := map[string]string{}
		for name, e := range files(t, img) {
			out[name] = e.sum
		}
		return out
	}
	if diff := cmp.Diff(sums(one), sums(two)); diff != "" {
		t.Errorf("files differ:\n%s", diff)
	}
}

// TestBuildctlBuildsTheSame asks with the other public client.
func TestBuildctlBuildsTheSame(t *testing.T) {
	b := bed(t)
	for _, ex := range examples {
		t.Run(ex.name, func(t *testing.T) {
			context := filepath.Join("..", "..", "examples", ex.context)
			spec := filepath.Join(context, ex.spec)
			dest, want := filepath.Join(t.TempDir(), "ctl"), filepath.Join(t.TempDir(), "e")
			b.Buildctl(t, "build", "--frontend", "gateway.v0", "--opt", "source=ghcr.io/plimsoll-build/plimsoll:1",
				"--opt", "filename="+filepath.Base(spec), "--opt", "build-arg:REVISION=r", "--opt", "platform="+bothPlatforms, "--local", "context="+context, "--local", "dockerfile="+filepath.Dir(spec),
				"--output", "type=oci,tar=false,dest="+dest).Must(t)
			plimsoll(t, b, []string{"BUILDX_GIT_INFO=false"}, "build", "-q", "--platform", bothPlatforms, "--build-arg", "REVISION=r", "-f", spec, "-o", "type=oci,tar=false,dest="+want, context).must(t)
			built := images(t, dest)
			for platform, img := range built {
				same(t, img, images(t, want)[platform])
			}
			if len(built) != 2 {
				t.Errorf("%d images, want two", len(built))
			}
		})
	}
}

// TestTwoFreshDaemonsBuildTheSame compares what the other test cannot: the compressed
// layers, and so the manifests, of two daemons that share nothing; each example, and a
// small service for two platforms.
func TestTwoFreshDaemonsBuildTheSame(t *testing.T) {
	b := bed(t)
	var digests []map[string]string
	for range 2 {
		d, found := b.FreshDaemon(t), map[string]string{}
		build := func(name, spec, context string, args ...string) {
			dest := filepath.Join(t.TempDir(), "l")
			args = append([]string{"build", "--provenance=false", "-f", spec, "-o", "type=oci,tar=false,dest=" + dest}, args...)
			b.BuildxOn(t, d, nil, append(args, context)...).Must(t)
			for platform, img := range images(t, dest) {
				found[name+" "+platform] = digestOf(t, img)
			}
		}
		dir := unpack(t, app)
		build("app", dir+"/plimsoll.yaml", dir, "--platform", bothPlatforms)
		for _, ex := range examples {
			context := filepath.Join("..", "..", "examples", ex.context)
			build(ex.name, filepath.Join(context, ex.spec), context)
		}
		digests = append(digests, found)
	}
	if diff := cmp.Diff(digests[0], digests[1]); diff != "" || len(digests[0]) != 2+len(examples) {
		t.Errorf("manifests differ:\n%s", diff)
	}
}

// TestExamplesAreTheSameTwice builds each example with no daemon in two directories, one as
// a checkout under umask 002 leaves it and below a foreign workspace, for a hostile host.
func TestExamplesAreTheSameTwice(t *testing.T) {
	b := bed(t)
	hostile := []string{"GOFLAGS=-tags=hostile", "GOAMD64=v3", "GOARM64=v9.0", "GOEXPERIMENT=nosuchthing", "GOOS=windows",
		"GOENV=/nonexistent/env", "GOWORK=/nonexistent/go.work", "CGO_ENABLED=1", "GODEBUG=panicnil=1", "GOTOOLCHAIN=go1.99.0"}
	for _, ex := range examples {
		t.Run(ex.name, func(t *testing.T) {
			var digests []string
			for i, env := range [][]string{nil, hostile} {
				parent := t.TempDir()
				context := filepath.Join(parent, "context")
				if err := os.CopyFS(context, os.DirFS(filepath.Join("..", "..", "examples", ex.context))); err != nil {
					t.Fatal(err)
				}
				if i == 1 {
					groupWritable(t, context)
					if err := os.WriteFile(filepath.Join(parent, "go.work"), []byte("go 1.26\n\nuse ./nowhere\n"), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				dest := filepath.Join(parent, "layout")
				plimsoll(t, b, env, "build", "-q", "--platform", bothPlatforms, "-f", filepath.Join(context, ex.spec), "-o", "type=oci,tar=false,dest="+dest, context).must(t)
				index, err := os.ReadFile(filepath.Join(dest, "index.json"))
				if err != nil {
					t.Fatal(err)
				}
				digests = append(digests, string(index))
			}
			if diff := cmp.Diff(digests[0], digests[1]); diff != "" {
				t.Errorf("digests differ:\n%s", diff)
			}
		})
	}
}

func groupWritable(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return os.Chmod(file, info.Mode().Perm()|0o020)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// embeddedLayout builds with no daemon, for this machine's platform.
func embeddedLayout(t *testing.T, b *testenv.Bed, args ...string) string {
	t.Helper()
	dest := filepath.Join(t.TempDir(), "layout")
	plimsoll(t, b, nil, append([]string{"build", "-q", "-o", "type=oci,tar=false,dest=" + dest}, args...)...).must(t)
	return dest
}
