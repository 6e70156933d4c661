package corpus

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// Cache is a directory that outlives tests, for what has to be fetched or takes minutes
// to build. Processes may share it.
type Cache string

// once returns the directory name of the cache, filled by fill if it is not there yet.
// It is filled beside its place, so that a half of it is never seen.
func (c Cache) once(ctx context.Context, name string, fill func(dir string) error) (string, error) {
	final := filepath.Join(string(c), name)
	if err := os.MkdirAll(filepath.Dir(final), 0o755); err != nil {
		return "", fmt.Errorf("making the corpus's cache: %w", err)
	}
	lock := flock.New(final + ".lock")
	if _, err := lock.TryLockContext(ctx, 100*time.Millisecond); err != nil {
		return "", fmt.Errorf("waiting for %s: %w", final, err)
	}
	defer func() { _ = lock.Close() }()
	if _, err := os.Stat(final); err == nil {
		return final, nil
	}
	work := final + ".new"
	if err := os.RemoveAll(work); err != nil {
		return "", err
	}
	if err := os.Mkdir(work, 0o755); err != nil {
		return "", err
	}
	if err := fill(work); err != nil {
		return "", errors.Join(err, os.RemoveAll(work))
	}
	return final, os.Rename(work, final)
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
