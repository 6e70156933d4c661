package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll-build/plimsoll/internal/testenv"
)

// dockerfile builds the same program in three ways, of which the first is right. The
// second forgets GOARCH, so that both platforms get one binary: the most frequent fault of
// images for two platforms.
const dockerfile = `
-- Dockerfile --
# syntax=docker/dockerfile:1
FROM --platform=$BUILDPLATFORM golang:1.26-alpine AS build
WORKDIR /src
COPY go.mod main.go /src/
ENV CGO_ENABLED=0

FROM build AS right
ARG TARGETARCH
ENV GOARCH=$TARGETARCH
RUN ["go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", "/app", "."]

FROM build AS forgetful
RUN ["go", "build", "-buildvcs=false", "-o", "/app", "."]

FROM gcr.io/distroless/static-debian12:nonroot AS good
COPY --from=right /app /app
ENTRYPOINT ["/app"]

FROM scratch AS careless
COPY --from=forgetful /app /app
ENV GOMEMLIMIT=512M
ENTRYPOINT ["/app"]
-- go.mod --
module example.com/app

go 1.26
-- main.go --
package main

func main() { println("hello") }
`

// verdictsOf are the rules of one platform that did not pass.
type verdictsOf struct{ Fails, Warns, Unknown []string }

func notPassed(j judgement) verdictsOf {
	return verdictsOf{j.rules("fail"), j.rules("warn"), j.rules("unknown")}
}

// TestDockerfileImages verifies what BuildKit's own frontend builds, for two platforms and
// with the SBOM and provenance that a pipeline adds.
func TestDockerfileImages(t *testing.T) {
	b := testenv.Shared(t)
	dir := unpack(t, dockerfile)
	for target, want := range map[string]map[string]verdictsOf{
		"good": {
			"linux/amd64": {},
			"linux/arm64": {},
		},
		"careless": {
			"linux/amd64": {Fails: []string{"platform", "env-grammar", "memlimit", "user"}, Warns: []string{"trimpath"}},
			"linux/arm64": {Fails: []string{"platform", "env-grammar", "memlimit", "user"}, Warns: []string{"trimpath"}},
		},
	} {
		t.Run(target, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "image.tar")
			b.Buildx(t, nil, "build", "--platform", bothPlatforms, "--sbom=true", "--provenance=mode=max", "--target", target, "-o", "type=oci,dest="+file, dir).Must(t)
			got := map[string]verdictsOf{}
			for _, j := range judged(t, nil, "oci-archive:"+file) {
				got[j.Platform] = notPassed(j)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			one := judged(t, nil, "--platform", "linux/arm64", "oci-archive:"+file)
			if len(one) != 1 || one[0].Platform != "linux/arm64" {
				t.Errorf("--platform gives %d images", len(one))
			}
		})
	}
}

// koVersion is the newest that the tests were run with.
const koVersion = "v0.19.1"

// TestKoImages verifies what ko builds.
func TestKoImages(t *testing.T) {
	b := testenv.Shared(t)
	ko, err := corpusCache(t).GoTool(t.Context(), "github.com/google/ko", koVersion)
	if err != nil {
		t.Fatal(err)
	}
	// ko takes the directory for a repository's name, so that it must be in lower case.
	parent, err := os.MkdirTemp("", "ko-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(parent)
	dir, dest := unpack(t, dockerfile), filepath.Join(parent, "layout")
	cmd := exec.CommandContext(t.Context(), ko, "build", "--platform="+bothPlatforms, "--push=false", "--oci-layout-path="+dest, "--bare", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "KO_DOCKER_REPO="+b.Registry.Addr+"/ko", "KO_DEFAULTBASEIMAGE="+b.Registry.Addr+"/distroless/static-debian12:nonroot", "GOFLAGS=-buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ko: %v\n%s", err, out)
	}
	got := map[string]verdictsOf{}
	for _, j := range judged(t, nil, "oci:"+dest) {
		got[j.Platform] = notPassed(j)
	}
	if diff := cmp.Diff(map[string]verdictsOf{"linux/amd64": {}, "linux/arm64/v8": {}}, got); diff != "" {
		t.Error(diff)
	}
}
