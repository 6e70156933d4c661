package peers

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/bench/figures"
)

// Build is what to build, and with what.
type Build struct {
	// Dir is the tree, Main the main package relative to it.
	Dir, Main string
	// Revision is stamped into the binary.
	Revision string
	// Platforms are os/arch.
	Platforms []string
	// Ref is the image's name; the image is always pushed.
	Ref string
	// Addr is the BuildKit daemon's; CacheFrom and CacheTo are references in the
	// registry, or empty.
	Addr, CacheFrom, CacheTo string
	// State is a directory for caches on this machine.
	State string
}

// Peer builds the image; the steps are nil where the tool does not tell them.
type Peer interface {
	Build(ctx context.Context, b Build) ([]figures.Step, error)
}

// Setting is what all peers share.
type Setting struct {
	// Buildx, Ko and Plimsoll are programs, by path.
	Buildx, Ko, Plimsoll string
	// Proxy is the module proxy's URL.
	Proxy string
	// Registry is its host and port; Base the image that ko and the embedded engine
	// stand on.
	Registry, Base string
}

// run runs a command with the standard error of a failure in its error.
func run(ctx context.Context, dir string, env []string, argv ...string) (stderr []byte, err error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s%s", strings.Join(argv, " "), err, tail(out.Bytes()), tail(errs.Bytes()))
	}
	return errs.Bytes(), nil
}

// tail is the end of what a command printed; progress as JSON may be megabytes.
func tail(text []byte) []byte { return text[max(0, len(text)-4<<10):] }
