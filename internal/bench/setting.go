package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/google/go-containerregistry/pkg/crane"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/plimsoll-build/plimsoll/internal/bench/figures"
	"github.com/plimsoll-build/plimsoll/internal/bench/peers"
	"github.com/plimsoll-build/plimsoll/internal/bench/service"
	"github.com/plimsoll-build/plimsoll/internal/corpus"
	"github.com/plimsoll-build/plimsoll/internal/testenv"
)

// koVersion is the ko that is compared with.
const koVersion = "v0.19.1"

// prepare makes the programs, the frontend image and the tree.
func (r *runner) prepare(ctx context.Context) error {
	cache, err := testenv.CacheDir()
	if err != nil {
		return err
	}
	if r.tools.Ko, err = corpus.Cache(filepath.Join(cache, "corpus")).GoTool(ctx, "github.com/google/ko", koVersion); err != nil {
		return err
	}
	r.tools.Buildx, r.tools.Registry = r.bed.Tools.Buildx, r.bed.Registry.Addr
	r.tools.Base = r.bed.Registry.Addr + "/distroless/static-debian12:nonroot"
	r.tools.Plimsoll = filepath.Join(r.dir, "plimsoll")
	if _, err := output(ctx, "", nil, "go", "build", "-trimpath", "-buildvcs=false", "-o", r.tools.Plimsoll, "./cmd/plimsoll"); err != nil {
		return err
	}
	var log bytes.Buffer
	frontend, err := r.bed.Registry.PushFrontend(ctx, &log)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, &log)
	}
	r.contenders()
	version, err := output(ctx, "", nil, "go", "env", "GOVERSION")
	if err != nil {
		return err
	}
	toolchain := "docker.io/library/golang:" + strings.TrimPrefix(version, "go") + "-alpine"
	if err := r.writeTree(ctx, peers.Files(toolchain, frontend, r.tools.Base, service.Main, service.Second)); err != nil {
		return err
	}
	if err := r.warmProxy(ctx); err != nil {
		return err
	}
	return r.describe(ctx, version, toolchain, frontend)
}

// warmProxy reads what the module proxy serves once, so that who builds first does not wait
// for this machine's disk.
func (r *runner) warmProxy(ctx context.Context) error {
	text, err := output(ctx, r.tree, []string{"GOWORK=off"}, "go", "mod", "download", "-json")
	if err != nil {
		return err
	}
	for modules := json.NewDecoder(strings.NewReader(text)); ; {
		var module struct{ Zip string }
		if err := modules.Decode(&module); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading what go mod download prints: %w", err)
		}
		if _, err := os.ReadFile(module.Zip); err != nil {
			return fmt.Errorf("reading a module: %w", err)
		}
	}
}

// writeTree generates the service. The tree's own go command fills this machine's module
// cache, which the proxy serves: also with the version that the bump goes to.
func (r *runner) writeTree(ctx context.Context, files map[string]string) error {
	if err := os.MkdirAll(r.tree, 0o755); err != nil {
		return err
	}
	size := service.Full
	if r.quick {
		size = service.Quick
	}
	if err := service.Write(ctx, r.tree, size, files, r.env); err != nil {
		return err
	}
	download := func() error {
		_, err := output(ctx, r.tree, []string{"GOWORK=off"}, "go", "mod", "download")
		return err
	}
	if err := download(); err != nil {
		return err
	}
	return r.edited(ctx, service.Bump, download)
}

// describe fills in what the figures are of.
func (r *runner) describe(ctx context.Context, version, toolchain, frontend string) error {
	local := func(ref string) string { return strings.Replace(ref, "docker.io", r.bed.Registry.Addr, 1) }
	digest, err := crane.Digest(local(toolchain), crane.Insecure, crane.WithContext(ctx))
	if err != nil {
		return fmt.Errorf("reading the toolchain image: %w", err)
	}
	r.report.Versions = []figures.Version{{Of: "Go", Version: version}, {Of: "toolchain image", Version: digest}, {Of: "ko", Version: koVersion}}
	for _, tool := range []struct{ name, path, flag string }{{"BuildKit", r.bed.Tools.Buildkitd, "--version"}, {"buildx", r.bed.Tools.Buildx, "version"}} {
		text, err := output(ctx, "", nil, tool.path, tool.flag)
		if err != nil {
			return err
		}
		r.report.Versions = append(r.report.Versions, figures.Version{Of: tool.name, Version: text})
	}
	image, err := crane.Pull(frontend, crane.Insecure, crane.WithContext(ctx), crane.WithPlatform(&v1.Platform{OS: "linux", Architecture: runtime.GOARCH}))
	if err != nil {
		return fmt.Errorf("reading the frontend image: %w", err)
	}
	layers, err := image.Layers()
	if err != nil {
		return err
	}
	for _, l := range layers {
		size, err := l.Size()
		if err != nil {
			return err
		}
		r.report.FrontendBytes += size
	}
	if r.report.Service, err = r.count(ctx); err != nil {
		return err
	}
	r.report.Machine, err = machine()
	return err
}

// count asks the go command what the service is made of.
func (r *runner) count(ctx context.Context) (figures.Service, error) {
	text, err := output(ctx, r.tree, []string{"GOWORK=off"}, "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}} {{.Dir}}{{end}}", "./"+service.Main)
	if err != nil {
		return figures.Service{}, err
	}
	var s figures.Service
	for line := range strings.Lines(text) {
		path, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !strings.HasPrefix(path, service.Module+"/") {
			s.OtherPackages++
			continue
		}
		s.OwnPackages++
		sources, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			return s, err
		}
		for _, file := range sources {
			data, err := os.ReadFile(file)
			if err != nil {
				return s, err
			}
			s.OwnLines += bytes.Count(data, []byte("\n"))
		}
	}
	return s, nil
}

// output is what a command prints, without the space around it.
func output(ctx context.Context, dir string, env []string, argv ...string) (string, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), append([]string{"CGO_ENABLED=0"}, env...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, &stderr)
	}
	return strings.TrimSpace(stdout.String()), nil
}
