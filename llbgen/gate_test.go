package llbgen

import (
	"path/filepath"
	"testing"

	"github.com/moby/buildkit/client/llb"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// gated is an image with both gates, under a limit of that many bytes, which the request names.
func gated(o Options, memory int64, request string) llb.State {
	image := llb.Image("docker.io/library/base:1").AddEnv("PATH", "/bin").Dir("/data").User("7")
	p := Program{Image: llb.Image("docker.io/example/frontend:1"), Path: "/plimsoll-frontend", Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"}}
	return Gated(image,
		o.Check(p, image, `{"architecture":"arm64"}`, "check the root file system", false),
		o.Rehearsal(p, image, request, Limits{Memory: memory, CPU: 1500}, "rehearse /svc"))
}

// TestGates holds both vertices and how the image depends on them.
func TestGates(t *testing.T) {
	golden(t, filepath.Join("testdata", "gates.golden"), dump(readBack(t, gated(options(), 64<<20, `{"memoryMax":67108864}`))))
}

// TestLimitsOfARehearsal: the limits stand beside the vertex, not in it, so that the request
// alone keeps two limits apart.
func TestLimitsOfARehearsal(t *testing.T) {
	rehearsal := func(memory int64, request string) vertex {
		return named(readBack(t, gated(options(), memory, request)), "rehearse")[0]
	}
	one, two, other := rehearsal(64<<20, "{}"), rehearsal(128<<20, "{}"), rehearsal(128<<20, `{"memoryMax":1}`)
	if one.digest != two.digest || two.digest == other.digest {
		t.Errorf("digests %s, %s, %s", one.digest, two.digest, other.digest)
	}
	if r := two.meta.LinuxResources; r.GetMemory() != 128<<20 || r.GetCpuQuota() != 150_000 || r.GetCpuPeriod() != 100_000 {
		t.Errorf("limits %v", r)
	}
}

// TestGatesAreNotCachedWhereNothingIs: --no-cache runs them again.
func TestGatesAreNotCachedWhereNothingIs(t *testing.T) {
	o := options()
	o.NoCache = true
	for _, name := range []string{"check", "rehearse"} {
		if v := named(readBack(t, gated(o, 1, "{}")), name)[0]; !v.meta.IgnoreCache {
			t.Errorf("%s may come from a cache", name)
		}
	}
}
