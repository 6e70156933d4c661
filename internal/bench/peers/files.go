package peers

import (
	"fmt"
	"path"
)

// The files that the peers read, in the root of the tree: of each main package its own.
func mountsFile(main string) string { return path.Base(main) + ".mounts.Dockerfile" }
func syntaxFile(main string) string { return path.Base(main) + ".syntax.Dockerfile" }
func layersFile(main string) string { return path.Base(main) + ".layers.Dockerfile" }
func specFile(main string) string   { return path.Base(main) + ".plimsoll.yaml" }
func basedFile(main string) string  { return path.Base(main) + ".based.yaml" }

// Files are the files of all peers for the main packages. toolchain is the reference of
// the Go image, frontend that of ours, base what the embedded engine stands on.
func Files(toolchain, frontend, base string, mains ...string) map[string]string {
	files := map[string]string{}
	for _, main := range mains {
		files[mountsFile(main)] = dockerfile(toolchain, main,
			"--mount=type=cache,target=/go/pkg/mod ",
			"--mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build ")
		files[syntaxFile(main)] = "# syntax=docker/dockerfile:1\n" + files[mountsFile(main)]
		files[layersFile(main)] = dockerfile(toolchain, main, "", "")
		spec := fmt.Sprintf("# syntax=%s\napiVersion: plimsoll.build/v1\nname: %s\nbuild:\n  main: ./%s\n  stamp: {revision: main.revision}\n", frontend, path.Base(main), main)
		files[specFile(main)] = spec
		files[basedFile(main)] = spec + "image: {base: " + base + "}\n"
	}
	return files
}

// dockerfile is what the guides recommend: the module files first, the sources that the
// service needs, cross-compiling on the build platform, the stamp as late as it can be,
// and nothing but CA roots beside the binary. There is no shell in the toolchain image,
// so that the flags are in GOFLAGS, where Docker expands them.
func dockerfile(toolchain, main, fetchMounts, buildMounts string) string {
	return fmt.Sprintf(`FROM --platform=$BUILDPLATFORM %s AS build
WORKDIR /src
ENV CGO_ENABLED=0 GOTOOLCHAIN=local
ARG GOPROXY
COPY go.mod go.sum ./
RUN %s["go", "mod", "download"]
COPY cmd ./cmd
COPY internal ./internal
ARG TARGETOS TARGETARCH
ENV GOOS=$TARGETOS GOARCH=$TARGETARCH
ARG REVISION
ENV GOFLAGS="-trimpath -buildvcs=false '-ldflags=-s -w -X=main.revision=$REVISION'"
RUN %s["go", "build", "-o", "/app", "./%s"]

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /app /app
USER 65532:65532
ENTRYPOINT ["/app"]
`, toolchain, fetchMounts, buildMounts, main)
}
