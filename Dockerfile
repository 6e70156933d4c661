# The frontend image, by a stock BuildKit:
#
#	docker buildx build --platform linux/amd64,linux/arm64 .
#
# "make frontend-image" builds it from plimsoll.yaml, without Docker.

FROM --platform=$BUILDPLATFORM golang:1.26.8-alpine AS build
WORKDIR /src
ENV CGO_ENABLED=0 GOENV=off GOFLAGS= GOTOOLCHAIN=local GOWORK=off
COPY go.mod go.sum ./
RUN ["go", "mod", "download"]
COPY . .
ARG TARGETOS TARGETARCH
ENV GOOS=$TARGETOS GOARCH=$TARGETARCH
RUN --mount=type=cache,target=/root/.cache/go-build ["go", "build", "-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags=-s -w", "-o", "/out/plimsoll-frontend", "./cmd/plimsoll-frontend"]

FROM scratch
COPY --from=build /out/plimsoll-frontend /plimsoll-frontend
LABEL moby.buildkit.frontend.network.none="true" \
      moby.buildkit.frontend.caps="moby.buildkit.frontend.inputs,moby.buildkit.frontend.contexts,moby.buildkit.frontend.gitquerystring"
ENTRYPOINT ["/plimsoll-frontend"]
