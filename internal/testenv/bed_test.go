package testenv

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/sys/unix"
)

// context writes files into a directory for a build.
func buildContext(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A step in the toolchain image, pulled through docker.io's mirror, by the real
// client and the daemon's own Dockerfile frontend.
func TestToolchainImageCompiles(t *testing.T) {
	bed := Shared(t)
	dir := buildContext(t, map[string]string{
		"go.mod":  "module example.com/hello\n\ngo 1.25.0\n",
		"main.go": "package main\n\nimport \"os\"\n\nfunc main() { os.Exit(len(os.Args)) }\n",
		"Dockerfile": strings.Join([]string{
			"FROM golang:1.26-alpine AS build",
			`WORKDIR /src`,
			`COPY . .`,
			`ENV CGO_ENABLED=0`,
			`RUN ["go", "build", "-trimpath", "-o", "/out/hello", "."]`,
			"FROM gcr.io/distroless/static-debian12:nonroot",
			"COPY --from=build /out/hello /hello",
		}, "\n"),
	})
	out := filepath.Join(t.TempDir(), "out")
	bed.Buildx(t, nil, "build", "--provenance=false", "-o", "type=local,dest="+out, dir).Must(t)
	for file, mode := range map[string]os.FileMode{
		"hello": 0o755, "tmp": os.ModeDir | os.ModeSticky | 0o777,
		"etc/ssl/certs/ca-certificates.crt": 0o644, "usr/share/zoneinfo/Europe/Berlin": 0o644,
	} {
		info, err := os.Stat(filepath.Join(out, file))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != mode {
			t.Errorf("%s: mode %s, want %s", file, info.Mode(), mode)
		}
	}
}

// The scanner answers --sbom with the modules of the binary that it finds.
func TestScannerWritesSBOM(t *testing.T) {
	bed := Shared(t)
	dir := buildContext(t, map[string]string{"Dockerfile": "FROM scratch\nCOPY scanner /scanner\n"})
	program := filepath.Join(dir, "scanner")
	if _, err := goOutput(t.Context(), "scanner", "build", "-o", program, "."); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out")
	bed.Buildx(t, nil, "build", "--sbom=true", "--provenance=false", "-o", "type=local,dest="+out, dir).Must(t)
	data, err := os.ReadFile(filepath.Join(out, "sbom.spdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), `"`+modulePath+`"`) {
		t.Errorf("the SBOM does not name %s:\n%s", modulePath, data)
	}
}

func TestPrivateRegistry(t *testing.T) {
	bed := Shared(t)
	dir := buildContext(t, map[string]string{"Dockerfile": "FROM scratch\nCOPY Dockerfile /\n"})
	ref := bed.Private.Addr + "/team/app:1"
	args := []string{"build", "--provenance=false", "-t", ref, "--push", dir}

	refused := bed.Buildx(t, nil, args...)
	if refused.Err == nil || !strings.Contains(refused.Stderr, "401") {
		t.Errorf("without credentials: %v\n%s", refused.Err, refused.Stderr)
	}
	config := DockerConfig(t, map[string]Credentials{bed.Private.Addr: SharedCredentials})
	bed.Buildx(t, []string{"DOCKER_CONFIG=" + config}, args...).Must(t)

	parsed, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	login := &authn.Basic{Username: SharedCredentials.User, Password: SharedCredentials.Password}
	if _, err := remote.Head(parsed, remote.WithAuth(login)); err != nil {
		t.Error(err)
	}
}

// The stand-ins are indexes with the platforms and configs of what they stand for.
func TestBaseImages(t *testing.T) {
	bed := Shared(t)
	tests := []struct {
		ref, platform, user, env string
	}{
		{"distroless/static-debian12:nonroot", "linux/amd64", "65532", "SSL_CERT_FILE="},
		{"distroless/static-debian13:nonroot", "linux/arm64/v8", "65532", "SSL_CERT_FILE="},
		{"library/golang:1.26", "linux/" + runtimeArch(t), "", "GOLANG_VERSION=1.26."},
		{"docker/buildkit-syft-scanner:stable-1", "linux/" + runtimeArch(t), "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.ref, func(t *testing.T) {
			ref, err := name.ParseReference(bed.Registry.Addr + "/" + tt.ref)
			if err != nil {
				t.Fatal(err)
			}
			platform, err := v1.ParsePlatform(tt.platform)
			if err != nil {
				t.Fatal(err)
			}
			image, err := remote.Image(ref, remote.WithPlatform(*platform))
			if err != nil {
				t.Fatal(err)
			}
			config, err := image.ConfigFile()
			if err != nil {
				t.Fatal(err)
			}
			if config.Config.User != tt.user {
				t.Errorf("user %q, want %q", config.Config.User, tt.user)
			}
			if env := strings.Join(config.Config.Env, "\n"); !strings.Contains(env, tt.env) {
				t.Errorf("env %q lacks %s", env, tt.env)
			}
			if len(config.History) != len(config.RootFS.DiffIDs) {
				t.Errorf("%d history entries for %d layers", len(config.History), len(config.RootFS.DiffIDs))
			}
		})
	}
}

func runtimeArch(t *testing.T) string {
	t.Helper()
	arch, err := goOutput(t.Context(), "", "env", "GOHOSTARCH")
	if err != nil {
		t.Fatal(err)
	}
	return arch
}

// A daemon that stopped leaves no process, mount or file.
func TestDaemonStopLeavesNothing(t *testing.T) {
	bed := Shared(t)
	d, err := bed.NewDaemon(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := buildContext(t, map[string]string{"Dockerfile": "FROM golang:1.26-alpine\nRUN [\"go\", \"version\"]\n"})
	bed.BuildxOn(t, d, nil, "build", "-o", "type=cacheonly", dir).Must(t)
	pid, run := d.cmd.Process.Pid, d.run
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(-pid, 0); err != unix.ESRCH {
		t.Errorf("the process group still answers: %v", err)
	}
	for _, path := range []string{run.dir, run.lock.Path()} {
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", path, err)
		}
	}
	if mounts, err := mountsUnder(run.dir); err != nil || len(mounts) > 0 {
		t.Errorf("still mounted: %v %v", mounts, err)
	}
}

func TestBuildctl(t *testing.T) {
	bed := Shared(t)
	out := bed.Buildctl(t, "debug", "workers", "--format", "{{json .}}").Must(t)
	var workers []struct{ Platforms []v1.Platform }
	if err := json.Unmarshal([]byte(out.Stdout), &workers); err != nil || len(workers) != 1 {
		t.Fatalf("workers: %v\n%s", err, out.Stdout)
	}
}

// layoutOf writes an OCI layout with one layer that holds a compiled program.
func layoutOf(t *testing.T, source string, config v1.Config) string {
	t.Helper()
	dir := buildContext(t, map[string]string{"go.mod": "module probe\n\ngo 1.25.0\n", "main.go": source})
	program := filepath.Join(dir, "probe")
	if _, err := goOutput(t.Context(), dir, "build", "-o", program, "."); err != nil {
		t.Fatal(err)
	}
	layer, err := writeLayer(filepath.Join(dir, "layer.tar.gz"), func(w *layerWriter) { w.hostFile(program, "/probe") })
	if err != nil {
		t.Fatal(err)
	}
	config.Entrypoint = []string{"/probe"}
	platform := v1.Platform{OS: "linux", Architecture: runtimeArch(t)}
	if err := writeIndex(dir, platformImage{platform: platform, config: config, layers: []v1.Layer{layer}}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "layout")
	if _, err := layout.ImageIndexFromPath(path); err != nil {
		t.Fatal(err)
	}
	return path
}
