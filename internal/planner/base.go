package planner

import "github.com/plimsoll-build/plimsoll/internal/spec"

// staticRef is what `base: static` means. A release pins it: its build sets
// StaticDigest, since a digest in the source would go stale unseen.
const staticRef = "gcr.io/distroless/static-debian13:nonroot"

// StaticDigest is the digest that `base: static` is pinned to ("sha256:…"), set at
// link time by a release build; empty, the tag floats.
var StaticDigest string

// StaticContext is the named context that replaces `base: static`.
const StaticContext = "static"

// baseRef is the reference of the service's base image; empty for scratch.
func baseRef(s spec.Service) string {
	switch s.Image.Base {
	case "", "scratch":
		return ""
	case StaticContext:
		if StaticDigest != "" {
			return staticRef + "@" + StaticDigest
		}
		return staticRef
	}
	return s.Image.Base
}

// IsStatic reports whether a base reference is what `base: static` stands for, so
// that engines can apply the named context of that name.
func IsStatic(ref string) bool {
	return ref == baseRef(spec.Service{Image: spec.Image{Base: StaticContext}})
}
