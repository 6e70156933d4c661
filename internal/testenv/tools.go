package testenv

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Tools are the programs of the bed, by absolute path.
type Tools struct {
	Buildkitd, Buildctl, Buildx, Runc string
	// DockerfileFrontend runs in an image, not here.
	DockerfileFrontend string
}

// modulePath is the path of this module; its directory holds the tools module.
const modulePath = "github.com/plimsoll-build/plimsoll"

// toolPackages are the tool lines of internal/tools/go.mod, and the variable that
// the program reports as its version.
var toolPackages = []struct{ name, pkg, module, version string }{
	{"buildkitd", "github.com/moby/buildkit/cmd/buildkitd", "github.com/moby/buildkit", "github.com/moby/buildkit/version.Version"},
	{"buildctl", "github.com/moby/buildkit/cmd/buildctl", "github.com/moby/buildkit", "github.com/moby/buildkit/version.Version"},
	{"dockerfile-frontend", "github.com/moby/buildkit/frontend/dockerfile/cmd/dockerfile-frontend", "github.com/moby/buildkit", "github.com/moby/buildkit/version.Version"},
	{"buildx", "github.com/docker/buildx/cmd/buildx", "github.com/docker/buildx", "github.com/docker/buildx/version.Version"},
}

// FindTools returns the programs, building those that the cache does not hold:
// minutes of processor time, once for each version.
func FindTools(ctx context.Context) (Tools, error) {
	runc, err := exec.LookPath("runc")
	if err != nil {
		return Tools{}, errors.New("runc is not installed: run `make setup`")
	}
	root, err := moduleDir(ctx)
	if err != nil {
		return Tools{}, err
	}
	source := filepath.Join(root, "internal", "tools")
	key, err := toolsKey(source)
	if err != nil {
		return Tools{}, err
	}
	dir, err := cached(ctx, "tools", key, func(dir string) error { return buildTools(ctx, source, dir) })
	if err != nil {
		return Tools{}, fmt.Errorf("building the bed's tools: %w", err)
	}
	return Tools{
		Buildkitd: filepath.Join(dir, "buildkitd"),
		Buildctl:  filepath.Join(dir, "buildctl"),
		Buildx:    filepath.Join(dir, "buildx"),
		Runc:      runc,

		DockerfileFrontend: filepath.Join(dir, "dockerfile-frontend"),
	}, nil
}

// moduleDir is the root of this module's source. The bed is for its developers:
// outside a checkout there is no tools module to build.
func moduleDir(ctx context.Context) (string, error) {
	out, err := goOutput(ctx, "", "list", "-m", "-f", "{{.Dir}}", modulePath)
	if err != nil {
		return "", fmt.Errorf("finding the source of %s: %w", modulePath, err)
	}
	return out, nil
}

func toolsKey(source string) (string, error) {
	sum := sha256.New()
	sum.Write([]byte(runtime.Version() + " " + runtime.GOARCH + "\n"))
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			return "", fmt.Errorf("reading the versions of the bed's tools: %w", err)
		}
		sum.Write(data)
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}

func buildTools(ctx context.Context, source, dir string) error {
	for _, tool := range toolPackages {
		version, err := goOutput(ctx, source, "list", "-m", "-f", "{{.Version}}", tool.module)
		if err != nil {
			return err
		}
		ldflags := "-s -w -X " + tool.version + "=" + version
		if _, err := goOutput(ctx, source, "build", "-trimpath", "-ldflags", ldflags,
			"-o", filepath.Join(dir, tool.name), tool.pkg); err != nil {
			return err
		}
	}
	return nil
}

// goOutput runs the go command without cgo, so that its programs are static.
func goOutput(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-buildvcs=false")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, stderr.Bytes())
	}
	return strings.TrimSpace(stdout.String()), nil
}

// Prepare fills the cache with everything that a bed needs, so that starting one
// takes seconds.
func Prepare(ctx context.Context) error {
	tools, err := FindTools(ctx)
	if err != nil {
		return err
	}
	_, err = baseImages(ctx, tools, false)
	return err
}
