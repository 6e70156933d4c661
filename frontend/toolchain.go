package frontend

import (
	"context"
	"encoding/json"
	"fmt"
	"go/version"
	"strings"

	"github.com/moby/buildkit/client/llb"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plimsoll-build/plimsoll/internal/planner"
	"github.com/plimsoll-build/plimsoll/internal/spec"
)

// toolchainContext is the named context that replaces the toolchain image.
const toolchainContext = "toolchain"

// officialImage is where released toolchains come from.
const officialImage = "docker.io/library/golang:"

// toolchain is the image that compiles, and the exact version in it.
type toolchain struct {
	state   llb.State
	version string
	goRoot  string // as of llbgen.Options
}

// toolchain resolves the toolchain image on the build platform and holds it to what the
// service asks for.
func (b *build) toolchain(ctx context.Context, request planner.GoRequest) (toolchain, error) {
	ref := toolchainRef(b.service, request)
	img, err := b.image(ctx, []string{toolchainContext, ref}, ref, b.BuildPlatforms[0])
	if err != nil {
		return toolchain{}, &keyError{"build.image", fmt.Errorf("resolving the toolchain image: %w", err)}
	}
	version, err := golangVersion(img.config)
	switch {
	case err != nil:
		return toolchain{}, fmt.Errorf("reading the config of %s: %w", ref, err)
	case version == "" && !request.Exact:
		return toolchain{}, &keyError{"build.go", fmt.Errorf(
			"toolchain image %s does not say its version (GOLANG_VERSION in its environment), so build.go has to name the exact one", ref)}
	case version == "":
		version = request.Version
	case !request.Satisfies(version):
		key := request.Path
		if key == "" {
			key = "build.image"
		}
		return toolchain{}, &keyError{key, fmt.Errorf("toolchain image %s holds Go %s, and %s is asked for", ref, version, request)}
	}
	t := toolchain{state: img.state, version: version}
	if !img.named {
		t.goRoot = goRoot(img.ref, version)
	}
	return t, nil
}

// goRoot is where official images keep a Go that needs nothing else of them: its programs
// are static since Go 1.21 (https://go.dev/blog/rebuild). Of other images nothing is known.
func goRoot(ref, goVersion string) string {
	if !strings.HasPrefix(ref, officialImage) || version.Compare("go"+goVersion, "go1.21") < 0 {
		return ""
	}
	return "/usr/local/go"
}

// toolchainRef is build.image, else the smallest official image: the full one only where
// the go command may have to run git.
func toolchainRef(s spec.Service, request planner.GoRequest) string {
	if s.Build.Image != "" {
		return s.Build.Image
	}
	private := s.Build.Private
	if len(private.Patterns) > 0 || private.Netrc != "" || private.CA != "" {
		return officialImage + request.ImageTag()
	}
	return officialImage + request.ImageTag() + "-alpine"
}

// golangVersion is what official images say of themselves, or empty.
func golangVersion(config []byte) (string, error) {
	var img ocispec.Image
	if err := json.Unmarshal(config, &img); err != nil {
		return "", err
	}
	for _, kv := range img.Config.Env {
		if v, ok := strings.CutPrefix(kv, "GOLANG_VERSION="); ok {
			return v, nil
		}
	}
	return "", nil
}
