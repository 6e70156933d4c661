package frontend

import (
	"fmt"
	"os"

	"github.com/moby/buildkit/client/llb"

	"github.com/plimsoll-build/plimsoll/llbgen"
)

// currentFrontend is what a gateway client can that knows which image it runs in.
type currentFrontend interface {
	CurrentFrontend() (*llb.State, error)
}

// CurrentFrontend hands on what the client knows of its own image; nil if that is nothing.
func (r recorder) CurrentFrontend() (*llb.State, error) {
	if c, ok := r.Client.(currentFrontend); ok {
		return c.CurrentFrontend()
	}
	return nil, nil
}

// self is this program as vertices run it; ok is false where the daemon does not say which
// image it comes from, as for a build function inside a client.
func (b *build) self() (p llbgen.Program, ok bool, err error) {
	c, ok := b.GatewayClient().(currentFrontend)
	if !ok {
		return llbgen.Program{}, false, nil
	}
	image, err := c.CurrentFrontend()
	if err != nil {
		return llbgen.Program{}, false, fmt.Errorf("reading which image the frontend runs in: %w", err)
	}
	if image == nil {
		return llbgen.Program{}, false, nil
	}
	path, err := os.Executable() // vertices have the same root
	if err != nil {
		return llbgen.Program{}, false, fmt.Errorf("finding the frontend's own program: %w", err)
	}
	return llbgen.Program{Image: *image, Path: path, Platform: b.BuildPlatforms[0]}, true, nil
}
