package solve

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gateway "github.com/moby/buildkit/frontend/gateway/client"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/plimsoll-build/plimsoll/internal/testenv"
)

// dockerfile is a request that the bed's frontend image answers, pulled by its
// syntax line. What the steps run is the toolchain image's go.
func dockerfile(t *testing.T, bed *testenv.Bed, lines ...string) Request {
	t.Helper()
	dir := t.TempDir()
	lines = append([]string{"# syntax=docker/dockerfile:1"}, lines...)
	write(t, filepath.Join(dir, "Dockerfile"), strings.Join(lines, "\n"))
	write(t, filepath.Join(dir, "file"), "content")
	return Request{Addr: bed.Daemon.Addr, Context: dir, Spec: filepath.Join(dir, "Dockerfile"), Progress: "plain", DockerConfig: t.TempDir()}
}

func TestOutputsOfABuild(t *testing.T) {
	bed := testenv.Shared(t)
	r := dockerfile(t, bed, "FROM scratch", "ARG FROM_ARG", "COPY file /file", "LABEL from=$FROM_ARG")
	out := t.TempDir()
	ref := bed.Registry.Addr + "/solve/outputs:1"
	var stdout, stderr bytes.Buffer
	r.BuildArgs = map[string]string{"FROM_ARG": "arg", "SOURCE_DATE_EPOCH": "1700000000"}
	r.Annotations = map[string]string{"org.example.note": "noted"}
	r.Tags = []string{ref}
	r.Stdout, r.Stderr = &stdout, &stderr
	r.Outputs = []string{
		"type=image,push=true", "type=oci,dest=" + out + "/image.tar", "type=local,dest=" + out + "/files", "-",
	}
	result, err := Build(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, filepath.Join(out, "files", "file"), "content")
	if names := tarNames(t, &stdout); !slices.Contains(names, "file") {
		t.Errorf("the tar on stdout holds %v", names)
	}
	archive, err := os.Open(filepath.Join(out, "image.tar"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if names := tarNames(t, archive); !slices.Contains(names, "index.json") {
		t.Errorf("the OCI archive holds %v", names)
	}
	if !strings.Contains(stderr.String(), "COPY file /file") {
		t.Errorf("progress does not name the step:\n%s", &stderr)
	}
	pushed(t, ref, result.Digest)
}

func pushed(t *testing.T, ref, digest string) {
	t.Helper()
	parsed, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	image, err := remote.Image(parsed)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := image.Digest(); err != nil || got.String() != digest {
		t.Errorf("pushed %s (%v), the result says %s", got, err, digest)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Config.Labels["from"] != "arg" || config.Created.Unix() != 1700000000 {
		t.Errorf("labels %v, created %s", config.Config.Labels, config.Created)
	}
	manifest, err := image.Manifest()
	if err != nil || manifest.Annotations["org.example.note"] != "noted" {
		t.Errorf("annotations %v, %v", manifest.Annotations, err)
	}
}

func tarNames(t *testing.T, r io.Reader) []string {
	t.Helper()
	var names []string
	for archive := tar.NewReader(r); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
	}
}

// An OCI layout as a directory, added to by a second build and then used as a named
// context by a third.
func TestLayouts(t *testing.T) {
	bed := testenv.Shared(t)
	dir := filepath.Join(t.TempDir(), "layout")
	first := dockerfile(t, bed, "FROM scratch", "COPY file /first")
	first.Outputs = []string{"type=oci,tar=false,dest=" + dir}
	first.Tags = []string{"example.com/a:first"}
	one, err := Build(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	second := dockerfile(t, bed, "FROM scratch", "COPY file /second")
	second.Outputs, second.Tags = first.Outputs, []string{"example.com/a:second"}
	if _, err := Build(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	if manifest, err := index.IndexManifest(); err != nil || len(manifest.Manifests) != 2 {
		t.Errorf("the layout holds %v, %v", manifest, err)
	}
	only(t, dir, "blobs", "index.json", "oci-layout")

	third := dockerfile(t, bed, "FROM base", "COPY --from=more file /third")
	third.Contexts = map[string]string{"base": "oci-layout://" + dir + "@" + one.Digest, "more": first.Context}
	out := filepath.Join(t.TempDir(), "out")
	third.Outputs = []string{out}
	if _, err := Build(t.Context(), third); err != nil {
		t.Fatal(err)
	}
	only(t, out, "first", "third")
}

func TestSecretsReachSteps(t *testing.T) {
	bed := testenv.Shared(t)
	r := dockerfile(t, bed,
		"FROM golang:1.26-alpine AS run", "WORKDIR /w", "COPY <<EOF main.go",
		"package main", `import "os"`, "func main() {", `	b, err := os.ReadFile("/run/secrets/token")`,
		`	if err != nil || string(b) != "hidden"+os.Getenv("FROM_ENV") { panic(string(b)) }`, "}", "EOF",
		`RUN --mount=type=secret,id=token --mount=type=secret,id=env,env=FROM_ENV ["go", "run", "main.go"]`,
	)
	secret := filepath.Join(t.TempDir(), "token")
	write(t, secret, "hiddenx")
	t.Setenv("SECRET_VALUE", "x")
	r.Secrets = []string{"id=token,src=" + secret, "type=env,id=env,env=SECRET_VALUE"}
	if _, err := Build(t.Context(), r); err != nil {
		t.Error(err)
	}
}

// A failed build leaves its destinations as they were.
func TestFailedBuildLeavesNothing(t *testing.T) {
	bed := testenv.Shared(t)
	r := dockerfile(t, bed, "FROM scratch", "COPY not-there /")
	out := t.TempDir()
	write(t, filepath.Join(out, "image.tar"), "old")
	r.Outputs = []string{"type=oci,dest=" + out + "/image.tar", "type=local,dest=" + out + "/files"}
	if _, err := Build(t.Context(), r); err == nil || !strings.Contains(err.Error(), "not-there") {
		t.Errorf("error %v", err)
	}
	expect(t, filepath.Join(out, "image.tar"), "old")
	only(t, out, "image.tar")
}

func TestCancelledBuild(t *testing.T) {
	bed := testenv.Shared(t)
	out := t.TempDir()
	started := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		<-started
		cancel()
	}()
	begin := time.Now()
	_, err := Build(ctx, Request{
		Addr: bed.Daemon.Addr, Outputs: []string{"type=oci,dest=" + out + "/image.tar"},
		BuildFunc: func(ctx context.Context, _ gateway.Client) (*gateway.Result, error) {
			close(started)
			<-ctx.Done()
			return nil, ctx.Err()
		},
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("it took %s to end", took)
	}
	only(t, out)
}

// A cache that one daemon exported spares another one the step.
func TestCacheThroughRegistry(t *testing.T) {
	bed := testenv.Shared(t)
	lines := []string{"FROM golang:1.26-alpine", `RUN ["go", "version"]`}
	cache := "type=registry,ref=" + bed.Registry.Addr + "/solve/cache:1"
	first := dockerfile(t, bed, lines...)
	first.CacheTo = []string{cache + ",mode=max"}
	if _, err := Build(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	second := dockerfile(t, bed, lines...)
	second.Addr = bed.FreshDaemon(t).Addr
	second.CacheFrom, second.Stderr = []string{cache}, &stderr
	if _, err := Build(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(stderr.String(), "CACHED") {
		t.Errorf("nothing came from the cache:\n%s", &stderr)
	}
}

// The daemon's own Dockerfile frontend, asked by a function in this process.
func TestBuildFunc(t *testing.T) {
	bed := testenv.Shared(t)
	r := dockerfile(t, bed, "FROM scratch AS other", "COPY file /other", "FROM scratch", "COPY file /")
	out := filepath.Join(t.TempDir(), "out")
	r.Outputs, r.Target = []string{out}, "other"
	r.BuildFunc = func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		return c.Solve(ctx, gateway.SolveRequest{Frontend: "dockerfile.v0", FrontendOpt: c.BuildOpts().Opts})
	}
	if _, err := Build(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	only(t, out, "other")
}

func TestPrivateRegistry(t *testing.T) {
	bed := testenv.Shared(t)
	r := dockerfile(t, bed, "FROM scratch", "COPY file /")
	r.Tags, r.Outputs = []string{bed.Private.Addr + "/solve/private:1"}, []string{"type=registry"}
	if _, err := Build(t.Context(), r); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("without credentials: %v", err)
	}
	r.DockerConfig = testenv.DockerConfig(t, map[string]testenv.Credentials{bed.Private.Addr: testenv.SharedCredentials})
	if _, err := Build(t.Context(), r); err != nil {
		t.Error(err)
	}
}

func TestNoDaemon(t *testing.T) {
	for _, addr := range []string{"", "unix://" + filepath.Join(t.TempDir(), "none.sock"), "tcp://127.0.0.1:1", "nonsense"} {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		_, err := Build(ctx, Request{Addr: addr, BuildFunc: func(context.Context, gateway.Client) (*gateway.Result, error) {
			return nil, errors.New("reached")
		}})
		cancel()
		if err == nil || !strings.Contains(err.Error(), "connecting to buildkit") {
			t.Errorf("%q: %v", addr, err)
		}
	}
}
