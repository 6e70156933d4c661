package llbgen

import (
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Program is a static program that runs inside vertices: that of the frontend's own image.
type Program struct {
	// Image is the image's root file system, for the build platform.
	Image llb.State
	// Path is the program's place in it.
	Path string
	// Platform is what it runs on.
	Platform ocispec.Platform
}

// Gated is an image that is there only if all gates are passed: vertices that add nothing to
// it. They are in its graph, so that a cache that is exported knows them. The daemon needs
// GateCap; without gates it is the image itself.
func Gated(image llb.State, gates ...llb.State) llb.State {
	return image.Requires("plimsoll checks", gates...)
}

// GateCap is the capability that Gated needs (BuildKit 0.31).
const GateCap apicaps.CapID = pb.CapPassthroughOp

// LimitsCap is the capability that Rehearsal needs for its limits (BuildKit 0.31).
const LimitsCap apicaps.CapID = pb.CapExecMetaLinuxResources
