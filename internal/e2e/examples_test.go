package e2e

import (
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
// layers, and so the manifest, of two daemons that share nothing.
func TestTwoFreshDaemonsBuildTheSame(t *testing.T) {
	b := bed(t)
	var digests []map[string]string
	for range 2 {
		dir := unpack(t, app)
		dest := filepath.Join(t.TempDir(), "l")
		d := b.FreshDaemon(t)
		b.BuildxOn(t, d, nil, "build", "--platform", bothPlatforms, "--provenance=false", "-f", dir+"/plimsoll.yaml", "-o", "type=oci,tar=false,dest="+dest, dir).Must(t)
		found := map[string]string{}
		for platform, img := range images(t, dest) {
			found[platform] = digestOf(t, img)
		}
		digests = append(digests, found)
	}
	if diff := cmp.Diff(digests[0], digests[1]); diff != "" || len(digests[0]) != 2 {
		t.Errorf("manifests differ:\n%s", diff)
	}
}

// embeddedLayout builds with no daemon, for this machine's platform.
func embeddedLayout(t *testing.T, b *testenv.Bed, args ...string) string {
	t.Helper()
	dest := filepath.Join(t.TempDir(), "layout")
	plimsoll(t, b, nil, append([]string{"build", "-q", "-o", "type=oci,tar=false,dest=" + dest}, args...)...).must(t)
	return dest
}
