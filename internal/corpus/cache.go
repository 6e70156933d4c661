package corpus

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/testenv/kept"
)

// Cache is a directory that outlives tests, for what has to be fetched or takes minutes
// to build. Processes may share it.
type Cache string

// once returns the directory name of the cache, filled by fill if it is not there yet.
func (c Cache) once(ctx context.Context, name string, fill func(dir string) error) (string, error) {
	return kept.Dir(ctx, filepath.Join(string(c), name), fill)
}

// GoTool is the path of a program that `go install pkg@version` builds, without cgo.
func (c Cache) GoTool(ctx context.Context, pkg, version string) (string, error) {
	name := path.Base(pkg)
	dir, err := c.once(ctx, filepath.Join("go", name+"-"+version), func(dir string) error {
		cmd := exec.CommandContext(ctx, "go", "install", pkg+"@"+version)
		cmd.Env = append(os.Environ(), "GOBIN="+dir, "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-buildvcs=false")
		return run(cmd)
	})
	if err != nil {
		return "", fmt.Errorf("installing %s@%s: %w", pkg, version, err)
	}
	return filepath.Join(dir, name), nil
}

// run runs a command; its error holds what it printed.
func run(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return nil
}
