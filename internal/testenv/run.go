package testenv

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Container is a running image.
type Container struct {
	// PID is the first process, as this machine sees it.
	PID int

	t            testing.TB
	runtime      []string
	id           string
	cmd          *exec.Cmd
	stdout, errs Buffer
	done         chan struct{}
}

// RunResult is how a container ended.
type RunResult struct {
	Stdout, Stderr string
	// ExitCode is the process's, or 128 and its signal.
	ExitCode int
}

// RunImage runs the image of an OCI layout for this machine's platform and waits.
func RunImage(t testing.TB, layout string, o RunOptions) RunResult {
	t.Helper()
	return StartImage(t, layout, o).Wait()
}

// StartImage starts the image of an OCI layout for this machine's platform. The
// container is killed at the end of the test.
func StartImage(t testing.TB, layout string, o RunOptions) *Container {
	t.Helper()
	dir := t.TempDir()
	runtime, err := runtimeCommand(o, filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprintf("bed-%d-%d", os.Getpid(), time.Now().UnixNano())
	c := &Container{t: t, runtime: runtime, id: id, done: make(chan struct{})}
	if err := writeBundle(dir, layout, c.id, o); err != nil {
		t.Fatal(err)
	}
	c.cmd = c.command("run", "--bundle", dir, c.id)
	c.cmd.Stdout, c.cmd.Stderr = &c.stdout, &c.errs
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = c.cmd.Wait()
		close(c.done)
	}()
	t.Cleanup(c.kill)
	c.PID = c.waitPID()
	return c
}

// hybridControllers is non-empty where cgroup v2 is mounted beside v1 and has
// controllers of its own. crun refuses such a machine.
const hybridControllers = "/sys/fs/cgroup/unified/cgroup.controllers"

// runtimeCommand is the runtime and its global flags. On a hybrid machine crun runs
// in a mount namespace that only has the v1 hierarchies.
func runtimeCommand(o RunOptions, state string) ([]string, error) {
	name := cmp.Or(o.Runtime, "runc")
	program, err := exec.LookPath(name)
	if err != nil {
		return nil, fmt.Errorf("%w: run `make setup`", err)
	}
	command := []string{program, "--root", state}
	controllers, _ := os.ReadFile(hybridControllers)
	if name != "crun" || len(bytes.TrimSpace(controllers)) == 0 {
		return command, nil
	}
	script := "umount " + filepath.Dir(hybridControllers) + ` && exec "$@"`
	return append([]string{"unshare", "--mount", "--propagation", "private", "sh", "-ec", script, "sh"}, command...), nil
}

func (c *Container) command(args ...string) *exec.Cmd {
	return exec.Command(c.runtime[0], slices.Concat(c.runtime[1:], args)...)
}

// waitPID asks the runtime until the container has a process; 0 if it ended first.
func (c *Container) waitPID() int {
	for {
		out, err := c.command("state", c.id).Output()
		var state struct {
			PID    int    `json:"pid"`
			Status string `json:"status"`
		}
		if err == nil && json.Unmarshal(out, &state) == nil && state.Status == "running" {
			return state.PID
		}
		select {
		case <-c.done:
			return state.PID
		case <-c.t.Context().Done():
			return 0
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Signal sends a signal to the container's first process.
func (c *Container) Signal(s syscall.Signal) error {
	out, err := c.command("kill", c.id, fmt.Sprint(int(s))).CombinedOutput()
	if err != nil {
		return fmt.Errorf("sending %s: %w: %s", s, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// Wait waits for the container's end, or the test's.
func (c *Container) Wait() RunResult {
	c.t.Helper()
	select {
	case <-c.done:
	case <-c.t.Context().Done():
		c.kill()
	}
	return RunResult{Stdout: c.stdout.String(), Stderr: c.errs.String(), ExitCode: exitCode(c.cmd.ProcessState)}
}

// Output is what the container printed so far.
func (c *Container) Output() (stdout, stderr string) { return c.stdout.String(), c.errs.String() }

// kill removes the container, whatever state it is in.
func (c *Container) kill() {
	_ = c.command("delete", "--force", c.id).Run()
	<-c.done
}

func exitCode(p *os.ProcessState) int {
	if status, ok := p.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return p.ExitCode()
}

// Buffer is read while a process writes it.
type Buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write appends.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String is what was written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// WaitFor calls try until it succeeds, for at most the duration.
func WaitFor(t testing.TB, limit time.Duration, try func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if err = try(); err == nil {
			return
		}
	}
	t.Fatalf("after %s: %v", limit, err)
}
