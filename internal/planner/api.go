package planner

import (
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plimsoll-build/plimsoll/internal/facts"
	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// Note is a problem or a warning at a key of the spec.
type Note = facts.Note

// Error is what is wrong with a spec in the light of the facts: all of it.
type Error = facts.Error

// Options are the decisions that are not in the spec.
type Options struct {
	// Platforms are the targets, normalized, in the order of the index.
	Platforms []ocispec.Platform
}

// Result is one plan for each platform of the options, in their order.
type Result struct {
	Plans    []plan.Plan
	Warnings []Note
}

// GoRequest says which toolchain a service wants.
type GoRequest struct {
	// Version is "1.26.8" if Exact, else the least that will do, such as "1.26" or "1.25.0".
	Version string
	// Exact is set where no other version will do.
	Exact bool
	// Path is the key that decides, for messages; empty for go.mod.
	Path string
}
