package peers

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/bench/figures"
)

// goEnv keeps the go command's caches in the state of the build.
func (s Setting) goEnv(b Build) []string {
	return []string{
		"GOPROXY=" + s.Proxy, "GOCACHE=" + filepath.Join(b.State, "go-build"), "GOMODCACHE=" + filepath.Join(b.State, "mod"),
		"GOENV=off", "GOWORK=off", "CGO_ENABLED=0", "GOTOOLCHAIN=local",
	}
}

type embedded struct {
	Setting
	compression string
}

// Embedded is `plimsoll build` without a daemon, with gzip as ko or with zstd.
func Embedded(s Setting, compression string) Peer { return embedded{s, compression} }

// Build pushes an image on the same base as ko's.
func (p embedded) Build(ctx context.Context, b Build) ([]figures.Step, error) {
	env := append(p.goEnv(b), "GOFLAGS=", "PLIMSOLL_CACHE="+filepath.Join(b.State, "plimsoll"))
	_, err := run(ctx, b.Dir, env, p.Plimsoll, "build", "-q", "-f", basedFile(b.Main), "--engine", "embedded",
		"--platform", strings.Join(b.Platforms, ","), "--build-arg", "REVISION="+b.Revision, "-t", b.Ref, "-o", "type=registry,compression="+p.compression, ".")
	return nil, err
}

type ko struct {
	Setting
	cache bool
}

// Ko is ko, with KOCACHE or without.
func Ko(s Setting, cache bool) Peer { return ko{s, cache} }

// Build pushes an image by `ko build`, without an SBOM.
func (p ko) Build(ctx context.Context, b Build) ([]figures.Step, error) {
	env := append(p.goEnv(b), "GOFLAGS=-buildvcs=false '-ldflags=-s -w -X=main.revision="+b.Revision+"'",
		"KO_DOCKER_REPO="+strings.TrimSuffix(b.Ref, ":latest"), "KO_DEFAULTBASEIMAGE="+p.Base, "KO_CONFIG_PATH="+b.State)
	if p.cache {
		env = append(env, "KOCACHE="+filepath.Join(b.State, "ko"))
	}
	// It looks for its configuration where it is told, and nowhere else.
	if err := os.WriteFile(filepath.Join(b.State, ".ko.yaml"), nil, 0o644); err != nil {
		return nil, fmt.Errorf("writing ko's configuration: %w", err)
	}
	_, err := run(ctx, b.Dir, env, p.Ko, "build", "--bare", "--sbom=none", "--insecure-registry",
		"--platform="+strings.Join(b.Platforms, ","), "./"+b.Main)
	return nil, err
}
