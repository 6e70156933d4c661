package gotool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// Command is one run of the go command.
type Command struct {
	// Argv is the command line of plan.Argv; its first element is "go".
	Argv []string
	// Env is the complete environment of plan.Environ.
	Env []string
	// Dir is the working directory, an absolute path. Empty is an empty module:
	// what lies around, such as a go.mod with a newer go line, has no say.
	Dir string
	// Context is the absolute path of the build context; messages name files
	// relative to it. Empty leaves messages as they are.
	Context string
}

// Error is a go command that did not succeed.
type Error struct {
	// Args is the command line.
	Args []string
	// Dir is where it ran.
	Dir string
	// Output is what it wrote, with file names relative to the build context.
	Output string
	// Err is why: an *exec.ExitError, or the context's error after a cancel.
	Err error
}

// Error is the compiler's own words, or the cause if there are none.
func (e *Error) Error() string {
	verb := "go"
	if len(e.Args) > 1 {
		verb += " " + e.Args[1]
	}
	if e.Output == "" {
		return fmt.Sprintf("running %s: %v", verb, e.Err)
	}
	return fmt.Sprintf("running %s: %v\n%s", verb, e.Err, e.Output)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Run runs a command with this toolchain and returns what it wrote to stdout. Of
// the host it sees the ambient set alone. Cancelling kills the go command with
// all that it started. The error is an *Error, or a *CgoError.
func (t Tool) Run(ctx context.Context, c Command) ([]byte, error) {
	// The plan says these too; a plan that did not must still not see the host.
	base := []string{"GOENV=off", "GOTOOLCHAIN=local", "GOFLAGS=", "GOWORK=off"}
	given := c.Env
	c.Env = slices.Concat(t.Ambient, base, plan.Pace(), given)
	out, err := run(ctx, t.bin(), c)
	if failed, ok := errors.AsType[*Error](err); ok && ctx.Err() == nil {
		if cgo := t.cgoOnly(ctx, c, failed); cgo != nil {
			return nil, cgo
		}
	}
	return out, err
}

// killGrace is how long to wait for the pipes of a killed go command.
const killGrace = 5 * time.Second

func run(ctx context.Context, bin string, c Command) ([]byte, error) {
	scratch, err := os.MkdirTemp("", "plimsoll-go-")
	if err != nil {
		return nil, fmt.Errorf("making a directory for the go command: %w", err)
	}
	defer os.RemoveAll(scratch) // a killed go command leaves its work directory behind

	if c.Dir == "" {
		c.Dir = scratch
		if err := os.WriteFile(filepath.Join(scratch, "go.mod"), []byte("module question\n"), 0o600); err != nil {
			return nil, fmt.Errorf("making a module for the go command: %w", err)
		}
	}
	var stdout, all bytes.Buffer
	cmd := exec.CommandContext(ctx, bin, c.Argv[1:]...)
	cmd.Dir = c.Dir
	cmd.Env = append(slices.Clone(c.Env), "GOTMPDIR="+scratch)
	both := &lockedWriter{w: &all}
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&stdout, both), both
	cmd.WaitDelay = killGrace
	killTree(cmd)
	if err := cmd.Run(); err != nil {
		failed := &Error{Args: c.Argv, Dir: c.Dir, Err: err}
		if ctx.Err() != nil {
			failed.Err = ctx.Err()
		} else {
			failed.Output = userPaths(all.String(), c.Context, c.Dir)
		}
		return nil, failed
	}
	return stdout.Bytes(), nil
}
