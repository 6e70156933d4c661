package liverun

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/plimsoll-build/plimsoll/internal/cgroup"
)

// bundled is a container of runc or crun.
type bundled struct {
	engine
	dir, id string
	cmd     *exec.Cmd
	stderr  buffer
	done    chan struct{}
}

func (e engine) prepareBundle(ctx context.Context, dir, id string, image Image, o Options) (container, error) {
	v2 := cgroup.Read(os.DirFS("/")).Mode == cgroup.ModeV2
	if e.name == "runc" && o.WritableRoot {
		if err := executable(dir); err != nil {
			return nil, err
		}
	}
	if err := unpack(ctx, filepath.Join(dir, "rootfs"), image); err != nil {
		return nil, err
	}
	if err := writeBundle(dir, id, image.Config.Config, o, v2); err != nil {
		return nil, err
	}
	return &bundled{engine: e, dir: dir, id: id, done: make(chan struct{})}, nil
}

// state is where the runtime keeps its records: apart from any engine's.
func (b *bundled) state() string { return filepath.Join(b.dir, "state") }

// start runs the container in the foreground: its exit code becomes the runtime's.
func (b *bundled) start(ctx context.Context) (int, error) {
	pidFile := filepath.Join(b.dir, "pid")
	b.cmd = exec.Command(b.path, "--root", b.state(), "run", "--bundle", b.dir, "--pid-file", pidFile, b.id)
	b.cmd.Stderr = &b.stderr
	if err := b.cmd.Start(); err != nil {
		return 0, fmt.Errorf("starting %s: %w", b.name, err)
	}
	go func() {
		_ = b.cmd.Wait()
		close(b.done)
	}()
	for {
		if pid := readPID(pidFile); pid > 0 {
			return pid, nil
		}
		select {
		case <-b.done:
			if pid := readPID(pidFile); pid > 0 {
				return pid, nil
			}
			said := lastLine(b.stderr.String())
			if err := execError(b.name, said); err != nil {
				return 0, err
			}
			return 0, fmt.Errorf("%s could not start the container: %s", b.name, said)
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// readPID is the number in a file that the runtime writes; zero until it is whole.
func readPID(file string) int {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return 0
	}
	return n
}

func (b *bundled) wait(ctx context.Context) (int, bool) {
	select {
	case <-b.done:
		return exitCode(b.cmd.ProcessState), true
	case <-ctx.Done():
		return 0, false
	}
}

func (b *bundled) log(context.Context) string { return b.stderr.String() }

// remove deletes the container until its runtime has ended: one that was interrupted
// while it made the container has nothing to delete yet, and goes on.
func (b *bundled) remove(ctx context.Context) error {
	if b.cmd == nil || b.cmd.Process == nil {
		return nil
	}
	for {
		_, err := b.output(ctx, "--root", b.state(), "delete", "--force", b.id)
		select {
		case <-b.done:
			return b.gone(ctx)
		case <-ctx.Done():
			return errors.Join(err, b.cmd.Process.Kill(), fmt.Errorf("%s did not end with its container %s", b.name, b.id))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// gone makes sure that no record is left. The runtime removes by itself what ends, and
// then has nothing to delete.
func (b *bundled) gone(ctx context.Context) error {
	record := filepath.Join(b.state(), b.id)
	if _, err := os.Stat(record); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	_, err := b.output(ctx, "--root", b.state(), "delete", "--force", b.id)
	if _, left := os.Stat(record); errors.Is(left, fs.ErrNotExist) {
		return nil
	}
	return err
}

// exitCode is the code, or 128 and the signal.
func exitCode(p *os.ProcessState) int {
	if s, ok := p.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		return 128 + int(s.Signal())
	}
	return p.ExitCode()
}

// buffer keeps what a service writes, up to a bound, while others read it.
type buffer struct {
	mu   sync.Mutex
	data bytes.Buffer
}

// maxLog bounds the log of a service that writes without end, in bytes.
const maxLog = 8 << 20

// Write keeps what fits and takes the rest as read.
func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.data.Write(p[:min(len(p), maxLog-b.data.Len())])
	return len(p), nil
}

// String is what was kept.
func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.data.String()
}
