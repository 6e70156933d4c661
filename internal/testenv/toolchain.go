package testenv

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// imageFormat is part of every base image's cache key: change it with the content.
const imageFormat = "1"

// bundlePath is where the official toolchain images keep the CA roots.
const bundlePath = "/etc/ssl/certs/ca-certificates.crt"

// bundleFiles are where Linux distributions keep theirs, as crypto/x509 knows them.
var bundleFiles = []string{
	bundlePath,
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/ssl/cert.pem",
}

// toolchainImage is a stand-in for docker.io/library/golang: this machine's Go and
// CA roots on an otherwise empty root. There is no shell and no git in it. The CA
// roots are the machine's, because the module proxy may be behind its own CA. whole
// takes all of GOROOT.
func toolchainImage(ctx context.Context, whole bool) (baseImage, error) {
	version, err := goOutput(ctx, "", "env", "GOVERSION")
	if err != nil {
		return baseImage{}, err
	}
	goroot, err := goOutput(ctx, "", "env", "GOROOT")
	if err != nil {
		return baseImage{}, err
	}
	roots, err := machineRoots()
	if err != nil {
		return baseImage{}, err
	}
	version = strings.TrimPrefix(version, "go")
	sum := sha256.Sum256(fmt.Appendf(roots, "%s %s %s", imageFormat, version, runtime.GOARCH))
	key := "golang-" + version + "-" + hex.EncodeToString(sum[:])[:12]
	skip := skipOfGo
	if whole {
		key += "-whole"
		skip = func(string, fs.DirEntry) bool { return false }
	}
	dir, err := cached(ctx, "images", key, func(dir string) error {
		return writeToolchain(dir, goroot, version, roots, skip)
	})
	if err != nil {
		return baseImage{}, fmt.Errorf("making the toolchain image: %w", err)
	}
	minor := version
	if parts := strings.SplitN(version, ".", 3); len(parts) == 3 {
		minor = parts[0] + "." + parts[1]
	}
	image := baseImage{layout: filepath.Join(dir, "layout")}
	for _, tag := range []string{version, version + "-alpine", minor, minor + "-alpine"} {
		image.repositories = append(image.repositories, "library/golang:"+tag)
	}
	return image, nil
}

func machineRoots() ([]byte, error) {
	for _, file := range bundleFiles {
		data, err := os.ReadFile(file)
		if err == nil {
			return data, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("reading this machine's CA roots: %w", err)
		}
	}
	return nil, errors.New("this machine has no CA roots: run `make setup`")
}

func writeToolchain(dir, goroot, version string, roots []byte, skip func(string, fs.DirEntry) bool) error {
	file := filepath.Join(dir, "go.tar.gz")
	layer, err := writeLayer(file, func(w *layerWriter) {
		w.file("/etc/passwd", 0o644, []byte("root:x:0:0:root:/root:/sbin/nologin\n"))
		w.file("/etc/group", 0o644, []byte("root:x:0:\n"))
		w.file(bundlePath, 0o644, roots)
		w.dir("/root", 0o700, 0)
		w.dir("/tmp", 0o1777, 0)
		w.dir("/go", 0o1777, 0)
		w.tree(goroot, "/usr/local/go", skip)
	})
	if err != nil {
		return err
	}
	err = writeIndex(dir, platformImage{
		platform: v1.Platform{OS: "linux", Architecture: runtime.GOARCH},
		comment:  "go " + version,
		layers:   []v1.Layer{layer},
		config: v1.Config{
			Env: []string{
				"PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
				"GOLANG_VERSION=" + version, "GOTOOLCHAIN=local", "GOPATH=/go",
			},
			WorkingDir: "/go",
		},
	})
	return errors.Join(err, os.Remove(file))
}

// skipOfGo leaves out what a build never reads: half of GOROOT.
func skipOfGo(rel string, d fs.DirEntry) bool {
	switch rel {
	case "api", "doc", "misc", "test", filepath.Join("src", "cmd"), "pkg/obj", "pkg/bootstrap":
		return true
	}
	return d.IsDir() && d.Name() == "testdata" || strings.HasSuffix(rel, "_test.go")
}
