package e2e

import (
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// TestFrontendOfTheDockerfile builds the frontend image from the root Dockerfile, finds the
// binary that Plimsoll makes of its own spec in it, and builds with it by BUILDKIT_SYNTAX.
func TestFrontendOfTheDockerfile(t *testing.T) {
	b := bed(t)
	root := filepath.Join("..", "..")
	ref, layout := b.Registry.Addr+"/dockerfile/plimsoll:1", filepath.Join(t.TempDir(), "d")
	b.Buildx(t, nil, "build", "--provenance=false", "--platform", "linux/amd64", "-t", ref,
		"-o", "type=image,push=true", "-o", "type=oci,tar=false,dest="+layout, root).Must(t)
	ours := embeddedLayout(t, b, "--platform", "linux/amd64", root)
	docker, own := images(t, layout)["linux/amd64"], images(t, ours)["linux/amd64"]
	const binary = "/plimsoll-frontend"
	if one, two := files(t, docker)[binary].sum, files(t, own)[binary].sum; one != two || one == "" {
		t.Errorf("the Dockerfile's binary is %s, Plimsoll's %s", one, two)
	}
	for _, img := range []v1.Image{docker, own} {
		labels := config(t, img).Config.Labels
		if labels["moby.buildkit.frontend.network.none"] != "true" || labels["moby.buildkit.frontend.caps"] == "" {
			t.Errorf("labels %v", labels)
		}
	}
	dir := unpack(t, app)
	one := buildxApp(t, b, dir, "--build-arg", "BUILDKIT_SYNTAX="+ref)
	two := buildxApp(t, b, dir)
	same(t, images(t, one)["linux/amd64"], images(t, two)["linux/amd64"])
}
