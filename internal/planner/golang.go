package planner

import (
	"fmt"
	"go/version"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/facts"
	"github.com/plimsoll-build/plimsoll/internal/spec"
)

// Go says which toolchain the service wants: build.go, else the toolchain line,
// else the go line of the module (of the workspace, in one). The go command itself
// refuses a toolchain older than the go line, so that is checked here, with a place.
func Go(s spec.Service, f facts.Facts) (GoRequest, error) {
	var want GoRequest
	for _, b := range mains(s) {
		m, ok := f.Modules[b.dir]
		if !ok {
			return GoRequest{}, fmt.Errorf("no module was gathered for %s", b.dir)
		}
		r := request(s, m)
		if m.GoLine != "" && older(r.Version, m.GoLine) {
			return GoRequest{}, Error{{Path: "build.go", Rule: "old-go", Message: fmt.Sprintf(
				"Go %s is older than the go line %s of %s, which the go command refuses", r.Version, m.GoLine, goFile(m))}}
		}
		if want.Version == "" || older(want.Version, r.Version) {
			want = r
		}
	}
	return want, nil
}

func goFile(m facts.Module) string {
	if m.Work != "off" {
		return m.Work
	}
	return strings.TrimPrefix(m.Dir+"/go.mod", "./")
}

func request(s spec.Service, m facts.Module) GoRequest {
	switch {
	case s.Build.Go != "":
		return GoRequest{Version: s.Build.Go, Exact: exact(s.Build.Go), Path: "build.go"}
	case m.Toolchain != "" && m.Toolchain != "default":
		return GoRequest{Version: m.Toolchain, Exact: true}
	}
	return GoRequest{Version: m.GoLine}
}

// exact reports whether a version names one release: "1.26.8", "1.27rc1".
func exact(v string) bool {
	return strings.Count(v, ".") == 2 || strings.Contains(v, "rc") || strings.Contains(v, "beta")
}

// older compares what two versions promise: "1.26", a minimum of build.go, is its newest
// patch, so it is older than "1.26.8" only by its minor release.
func older(a, b string) bool {
	va, vb := "go"+a, "go"+b
	if !exact(a) || !exact(b) {
		va, vb = version.Lang(va), version.Lang(vb)
	}
	return version.Compare(va, vb) < 0
}

// Satisfies reports whether a toolchain's exact version is what the request asks for.
func (r GoRequest) Satisfies(have string) bool {
	if r.Exact {
		return have == r.Version
	}
	return version.Compare("go"+have, "go"+r.Version) >= 0
}

// ImageTag is the version part of an official toolchain image's tag: the newest
// patch of the minor release, unless the request is exact.
func (r GoRequest) ImageTag() string {
	if r.Exact {
		return r.Version
	}
	return strings.TrimPrefix(version.Lang("go"+r.Version), "go")
}

// String names the request for messages.
func (r GoRequest) String() string {
	if r.Exact {
		return "Go " + r.Version
	}
	return "Go " + r.Version + " or newer"
}
