#!/usr/bin/env bash
# The checks of `make check`, from the quick to the slow; the first that fails ends them.
set -euo pipefail
cd "$(dirname "$0")/../.."

step() { echo "check: $*" >&2; }

step gofmt
# Broken sources are test data of several packages.
unformatted=$(find . -name '*.go' -not -path '*/testdata/*' -print0 | xargs -0 gofmt -l)
if [ -n "$unformatted" ]; then
	echo "not formatted:" "$unformatted" >&2
	exit 1
fi

step module files
go mod tidy -diff

step generated files
# Compared with the files as they are, not as committed: the check also has to
# work in a tree with changes.
before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
generated() { grep -rlZE --include='*.go' '^// Code generated .* DO NOT EDIT\.$' . || true; }
generated | xargs -0 -r cp --parents -t "$before"
# With the release of go.mod: the GODEBUG table is of the release that writes it.
GOTOOLCHAIN=go$(go list -m -f '{{.GoVersion}}') go generate ./...
(cd "$before" && find . -type f -print0) | while IFS= read -r -d '' file; do
	cmp "$before/$file" "$file" || { echo "$file is not current: run make update" >&2; exit 1; }
done

step vet
go vet ./...
# The command line also runs where the tests' platform is not.
for os in darwin windows; do
	GOOS=$os go vet ./cmd/plimsoll
done

step linters
lint=$(go env GOCACHE)/plimsoll-lint-$(cat internal/tools/lint/go.{mod,sum} | sha256sum | cut -c1-12)
[ -x "$lint" ] || GOFLAGS=-buildvcs=false go build -C internal/tools/lint -o "$lint" github.com/golangci/golangci-lint/v2/cmd/golangci-lint
"$lint" run ./...
