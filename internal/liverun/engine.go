package liverun

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// engine is a container runtime of this host.
type engine struct {
	name, path string
	// version is the first line of --version.
	version string
}

// Runtimes are the names that Options.Runtime takes, in the order in which they are
// tried.
func Runtimes() []string { return []string{"docker", "podman", "runc", "crun"} }

// find is the runtime that was asked for, or the first that works.
func find(ctx context.Context, name string) (engine, error) {
	names := Runtimes()
	if name != "" {
		if !slices.Contains(names, name) {
			return engine{}, fmt.Errorf("unknown runtime %q: %s", name, strings.Join(names, ", "))
		}
		names = []string{name}
	}
	var errs []error
	for _, n := range names {
		e, err := open(ctx, n)
		if err == nil {
			return e, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", n, err))
	}
	return engine{}, fmt.Errorf("%w: %w", ErrNoRuntime, errors.Join(errs...))
}

// open finds a runtime, and asks the daemon behind it whether it is there.
func open(ctx context.Context, name string) (engine, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return engine{}, errors.New("not installed")
	}
	e := engine{name: name, path: path}
	out, err := e.output(ctx, "--version")
	if err != nil {
		return e, err
	}
	e.version, _, _ = strings.Cut(strings.TrimSpace(out), "\n")
	if e.isDaemon() {
		// A daemon that is not there may keep its client waiting.
		ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
		defer cancel()
		_, err = e.output(ctx, "info")
	}
	return e, err
}

// isDaemon reports whether the runtime keeps images and containers of its own, as
// opposed to one that runs a bundle.
func (e engine) isDaemon() bool { return e.name == "docker" || e.name == "podman" }

// idPrefix begins the names of all that this process makes.
func idPrefix() string { return fmt.Sprintf("plimsoll-run-%d-", os.Getpid()) }

// prepare makes the container. It may return one along with an error: then something is
// there that must be removed.
func (e engine) prepare(ctx context.Context, dir string, image Image, o Options) (container, error) {
	id := idPrefix() + strings.ToLower(rand.Text()[:12])
	if e.isDaemon() {
		return e.prepareLoaded(ctx, id, image, o)
	}
	return e.prepareBundle(ctx, dir, id, image, o)
}

// command is a call of the runtime that ends with the context, and soon after, even if a
// child of it keeps the pipes.
func (e engine) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, e.path, args...)
	cmd.WaitDelay = 5 * time.Second
	if e.isDaemon() {
		// In the middle of a write to its user's storage podman wants to end by itself.
		cmd.Cancel = func() error {
			if cmd.Process.Signal(syscall.SIGTERM) == nil {
				return nil
			}
			return cmd.Process.Kill() // Windows has no such signal
		}
	}
	return cmd
}

// output is what a call prints; an error has what it complained of.
func (e engine) output(ctx context.Context, args ...string) (string, error) {
	cmd := e.command(ctx, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if args[0] == "--root" {
			args = args[2:]
		}
		return "", fmt.Errorf("%s %s: %w: %s", e.name, args[0], err, lastLine(stderr.String()))
	}
	return stdout.String(), nil
}

// lastLine is where a runtime says what went wrong.
func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

// inOneLine is all of a complaint: podman names each form of archive that it tried.
func inOneLine(s string) string {
	if s = strings.Join(strings.Fields(s), " "); len(s) > 600 {
		s = s[:600] + "…"
	}
	return s
}
