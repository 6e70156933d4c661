package frontend

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/solver/pb"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

const debian = `{"os":"linux","architecture":"amd64","config":{"StopTimeout":7,"Env":["LANG=C"]},
	"rootfs":{"type":"layers","diff_ids":["sha256:1111111111111111111111111111111111111111111111111111111111111111"]},
	"history":[{"created":"2020-01-01T00:00:00Z","created_by":"debian"}]}`

// TestBases holds which image a base is, by reference or by named context.
func TestBases(t *testing.T) {
	const named = minimal + "image: {base: debian:13}\n"
	const static = minimal + "image: {base: static}\n"
	const oci = "oci-layout://store@" + "sha256:2222222222222222222222222222222222222222222222222222222222222222"
	for _, c := range []struct {
		name, spec, option string
		source             string // identifier of the base's source
		digest             bool
		layers             bool
	}{
		{"registry", named, "", "docker-image://docker.io/library/debian:13@" + someDigest.String(), true, true},
		{"mirror", named, "context:debian:13=docker-image://mirror.example.com/debian:13", "docker-image://mirror.example.com/debian:13", true, true},
		{"for one platform", named, "context:debian:13::linux/amd64=docker-image://mirror.example.com/debian:13", "docker-image://mirror.example.com/debian:13", true, true},
		{"static", static, "context:static=docker-image://mirror.example.com/debian:13", "docker-image://mirror.example.com/debian:13", true, true},
		{"directory", named, "context:debian:13=local:rootfs", "local://rootfs", false, false},
		{"OCI layout", named, "context:debian:13=" + oci, "oci-layout://docker.io/library/debian:13@sha256:2222222222222222222222222222222222222222222222222222222222222222", true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGateway(c.spec)
			for _, ref := range []string{"docker.io/library/debian:13", "mirror.example.com/debian:13",
				"docker.io/library/debian:13@sha256:2222222222222222222222222222222222222222222222222222222222222222"} {
				g.images[ref] = testImage{someDigest, debian}
			}
			if key, value, ok := strings.Cut(c.option, "="); ok {
				g.opts[key] = value
			}
			res := mustBuild(t, g)
			last := g.solves[len(g.solves)-1]
			var sources []string
			for _, op := range last.ops {
				sources = append(sources, op.GetSource().GetIdentifier())
			}
			if !slices.Contains(sources, c.source) {
				t.Errorf("built on %q, not on %s", sources, c.source)
			}
			var config plan.Image
			if err := json.Unmarshal(res.Metadata[exptypes.ExporterImageConfigKey], &config); err != nil {
				t.Fatal(err)
			}
			if got := config.Config.Labels["org.opencontainers.image.base.digest"] != ""; got != c.digest {
				t.Errorf("base digest label %v", got)
			}
			_, base := res.Metadata[exptypes.ExporterImageBaseConfigKey]
			// dockerui's own type of a config would have dropped StopTimeout.
			timeout := config.Config.StopTimeout != nil && *config.Config.StopTimeout == 7
			if base != c.layers || timeout != c.layers {
				t.Errorf("base config %v, StopTimeout kept %v", base, timeout)
			}
		})
	}
}

func TestToolchain(t *testing.T) {
	for _, c := range []struct{ name, build, option, want string }{
		{"smallest official", "", "", "docker.io/library/golang:1.26-alpine@"},
		{"exact", "{go: \"1.26.8\"}", "", "docker.io/library/golang:1.26.8-alpine@"},
		{"private modules", "{private: {netrc: n}}", "", "docker.io/library/golang:1.26@"},
		{"build.image", "{image: example.com/go:1}", "", "example.com/go:1@"},
		{"named context", "", "context:toolchain=docker-image://example.com/go:1", "example.com/go:1"},
		{"mirror by reference", "", "context:golang:1.26-alpine=docker-image://example.com/go:1", "example.com/go:1"},
		{"directory with build.go", "{go: \"1.26.8\"}", "context:toolchain=local:go", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := minimal
			if c.build != "" {
				spec += "build: " + c.build + "\n"
			}
			g := newGateway(spec)
			g.images["example.com/go:1"] = testImage{someDigest, golang}
			if key, value, ok := strings.Cut(c.option, "="); ok {
				g.opts[key] = value
			}
			mustBuild(t, g)
			op := g.find(t, "compile the service's own packages and link svc")
			if op.Platform.Architecture != "amd64" || !slices.ContainsFunc(g.solves[len(g.solves)-1].ops, func(o *pb.Op) bool {
				id := o.GetSource().GetIdentifier()
				return c.want != "" && strings.HasPrefix(id, "docker-image://"+c.want) || c.want == "" && id == "local://go"
			}) {
				t.Errorf("not compiled by %s", c.want)
			}
		})
	}
}

// TestImagesAreLookedForTogether holds that nothing waits for a registry's answer about a base
// image but the plan: no answer comes before the toolchain's image is asked for.
func TestImagesAreLookedForTogether(t *testing.T) {
	g := newGateway(minimal + "image: {base: debian:13}\n").with("platform=linux/amd64,linux/arm64")
	g.images["docker.io/library/debian:13"] = testImage{someDigest, debian}
	var asked sync.WaitGroup
	asked.Add(3) // the base for each platform, and the toolchain
	g.resolving = func(string) {
		asked.Done()
		asked.Wait()
	}
	mustBuild(t, g)
}

// TestBuildPlatform holds that the go command runs on the daemon's own platform.
func TestBuildPlatform(t *testing.T) {
	g := newGateway(minimal).with("platform=linux/amd64")
	g.platform.Architecture = "arm64"
	mustBuild(t, g)
	op := g.find(t, "compile the service's own packages and link svc")
	if op.Platform.Architecture != "arm64" || !slices.Contains(op.GetExec().Meta.Env, "GOARCH=amd64") {
		t.Errorf("runs on %s with %q", op.Platform.Architecture, op.GetExec().Meta.Env)
	}
}
