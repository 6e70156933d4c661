package testenv

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// scannerImage is a stand-in for docker.io/docker/buildkit-syft-scanner, the image
// that a daemon runs for --sbom. It lists the modules of Go binaries.
func scannerImage(ctx context.Context) (baseImage, error) {
	root, err := moduleDir(ctx)
	if err != nil {
		return baseImage{}, err
	}
	source := filepath.Join(root, "internal", "testenv", "scanner")
	main, err := os.ReadFile(filepath.Join(source, "main.go"))
	if err != nil {
		return baseImage{}, fmt.Errorf("reading the scanner's source: %w", err)
	}
	sum := sha256.Sum256(fmt.Appendf(main, "%s %s %s", imageFormat, runtime.Version(), runtime.GOARCH))
	dir, err := cached(ctx, "images", "scanner-"+hex.EncodeToString(sum[:])[:12], func(dir string) error {
		return writeScanner(ctx, dir, source)
	})
	if err != nil {
		return baseImage{}, fmt.Errorf("making the scanner image: %w", err)
	}
	return baseImage{
		layout:       filepath.Join(dir, "layout"),
		repositories: []string{"docker/buildkit-syft-scanner:stable-1"},
	}, nil
}

func writeScanner(ctx context.Context, dir, source string) error {
	program := filepath.Join(dir, "scanner")
	if _, err := goOutput(ctx, source, "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "."); err != nil {
		return err
	}
	return errors.Join(writeProgram(dir, program, nil), os.Remove(program))
}

// writeProgram writes an image that holds and runs one static program.
func writeProgram(dir, program string, labels map[string]string) error {
	archive := filepath.Join(dir, "program.tar.gz")
	target := "/" + filepath.Base(program)
	layer, err := writeLayer(archive, func(w *layerWriter) { w.hostFile(program, target) })
	if err != nil {
		return err
	}
	err = writeIndex(dir, platformImage{
		platform: v1.Platform{OS: "linux", Architecture: runtime.GOARCH},
		comment:  filepath.Base(program), layers: []v1.Layer{layer},
		config: v1.Config{Entrypoint: []string{target}, WorkingDir: "/", Labels: labels},
	})
	return errors.Join(err, os.Remove(archive))
}
