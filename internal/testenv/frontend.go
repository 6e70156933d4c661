package testenv

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// FrontendName is the repository and tag that the bed serves the frontend under.
const FrontendName = "plimsoll-build/plimsoll:dev"

// releasedName is what the syntax lines of the examples say, without its registry:
// they find the same image through the daemon's mirror of ghcr.io.
const releasedName = "plimsoll-build/plimsoll:1"

// PushFrontend builds the frontend image from this checkout, by the embedded
// engine and the repository's own spec, and pushes it to the registry. It returns
// the reference. What the build prints goes to the writer.
func (r *Registry) PushFrontend(ctx context.Context, output io.Writer) (string, error) {
	root, err := moduleDir(ctx)
	if err != nil {
		return "", err
	}
	ref := r.Addr + "/" + FrontendName
	cmd := exec.CommandContext(ctx, "go", "run", "./cmd/plimsoll", "build",
		"--platform", "linux/amd64,linux/arm64", "-t", ref, "-t", r.Addr+"/"+releasedName, "--push", ".")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOWORK=off")
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("building the frontend image: %w", err)
	}
	return ref, nil
}
