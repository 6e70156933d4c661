package testenv

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// nonroot is the user of distroless's nonroot images.
const nonroot = 65532

// staticImage is a stand-in for distroless static, for amd64 and arm64: users, CA
// roots, time zones, a home and a /tmp, as the real one has them. Its bytes only
// depend on the Go version, for the time zones.
func staticImage(ctx context.Context) (baseImage, error) {
	goroot, err := goOutput(ctx, "", "env", "GOROOT")
	if err != nil {
		return baseImage{}, err
	}
	version, err := goOutput(ctx, "", "env", "GOVERSION")
	if err != nil {
		return baseImage{}, err
	}
	dir, err := cached(ctx, "images", "static-"+version+"-"+imageFormat, func(dir string) error {
		return writeStatic(dir, filepath.Join(goroot, "lib", "time", "zoneinfo.zip"))
	})
	if err != nil {
		return baseImage{}, fmt.Errorf("making the static base image: %w", err)
	}
	return baseImage{
		layout: filepath.Join(dir, "layout"),
		repositories: []string{
			"distroless/static-debian12:nonroot", "distroless/static-debian13:nonroot",
		},
	}, nil
}

func writeStatic(dir, zoneinfo string) error {
	base, zones := filepath.Join(dir, "base.tar.gz"), filepath.Join(dir, "zones.tar.gz")
	system, err := writeLayer(base, fillStatic)
	if err != nil {
		return err
	}
	timezones, err := writeLayer(zones, func(w *layerWriter) { w.unzip(zoneinfo, "/usr/share/zoneinfo") })
	if err != nil {
		return err
	}
	var platforms []platformImage
	for _, arch := range []string{"amd64", "arm64"} {
		platform := v1.Platform{OS: "linux", Architecture: arch}
		if arch == "arm64" {
			platform.Variant = "v8"
		}
		platforms = append(platforms, platformImage{
			platform: platform, comment: "static", layers: []v1.Layer{system, timezones},
			config: v1.Config{
				Env: []string{
					"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
					"SSL_CERT_FILE=" + bundlePath,
				},
				User: fmt.Sprint(nonroot), WorkingDir: "/home/nonroot",
			},
		})
	}
	return errors.Join(writeIndex(dir, platforms...), os.Remove(base), os.Remove(zones))
}

func fillStatic(w *layerWriter) {
	w.file("/etc/passwd", 0o644, []byte("root:x:0:0:root:/root:/sbin/nologin\n"+
		"nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n"+
		"nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n"))
	w.file("/etc/group", 0o644, []byte("root:x:0:\nnobody:x:65534:\ntty:x:5:\nstaff:x:50:\nnonroot:x:65532:\n"))
	w.file("/etc/nsswitch.conf", 0o644, []byte("hosts: files dns\n"))
	w.file("/etc/os-release", 0o644, []byte("PRETTY_NAME=\"Distroless\"\nNAME=\"Debian GNU/Linux\"\nID=\"debian\"\n"))
	w.file(bundlePath, 0o644, mozillaRoots())
	w.dir("/root", 0o700, 0)
	w.dir("/tmp", 0o1777, 0)
	w.dir("/home/nonroot", 0o700, nonroot)
	w.dir("/usr/share/zoneinfo", 0o755, 0)
}

func mozillaRoots() []byte {
	var out bytes.Buffer
	for root := range bundle.Roots() {
		_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate})
	}
	return out.Bytes()
}

// unzip adds the files of a zip archive.
func (w *layerWriter) unzip(archive, target string) {
	r, err := zip.OpenReader(archive)
	if err != nil {
		w.err = errors.Join(w.err, err)
		return
	}
	defer func() { _ = r.Close() }()
	for _, entry := range r.File {
		if entry.FileInfo().IsDir() {
			continue
		}
		from, err := entry.Open()
		if err != nil {
			w.err = errors.Join(w.err, err)
			return
		}
		w.copy(path.Join(target, entry.Name), 0o644, int64(entry.UncompressedSize64), from)
		_ = from.Close()
	}
}
