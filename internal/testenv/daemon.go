package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/moby/buildkit/client"
)

// startTimeout is how long a daemon may take until it answers. It starts in about
// a second; a loaded machine may need many.
const startTimeout = 90 * time.Second

// Daemon is one buildkitd with a root of its own.
type Daemon struct {
	// Addr is where it listens, unix://….
	Addr string
	// LogFile holds what it printed.
	LogFile string

	run  *runDir
	cmd  *exec.Cmd
	done chan struct{}
}

// startDaemon starts a daemon that looks for every image in the registry.
func startDaemon(ctx context.Context, tools Tools, registries []string) (*Daemon, error) {
	run, err := newRunDir()
	if err != nil {
		return nil, err
	}
	d := &Daemon{
		Addr:    "unix://" + run.path("buildkitd.sock"),
		LogFile: run.path("buildkitd.log"),
		run:     run, done: make(chan struct{}),
	}
	if err := d.start(ctx, tools, registries); err != nil {
		return nil, errors.Join(fmt.Errorf("starting buildkitd: %w\n%s", err, d.logTail()), d.Stop())
	}
	return d, nil
}

func (d *Daemon) start(ctx context.Context, tools Tools, registries []string) error {
	configFile := d.run.path("buildkitd.toml")
	if err := os.WriteFile(configFile, []byte(daemonConfig(d.run, tools, registries)), 0o600); err != nil {
		return err
	}
	logFile, err := os.Create(d.LogFile)
	if err != nil {
		return err
	}
	defer func() { _ = logFile.Close() }()
	// The daemon outlives the context of its start, so it is not CommandContext's.
	d.cmd = exec.Command(tools.Buildkitd, "--config", configFile)
	d.cmd.Stdout, d.cmd.Stderr = logFile, logFile
	d.cmd.Env = daemonEnv(d.run)
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := d.cmd.Start(); err != nil {
		d.cmd = nil
		return err
	}
	go func() {
		_ = d.cmd.Wait()
		close(d.done)
	}()
	return d.waitReady(ctx)
}

// daemonEnv keeps proxies and the CA variables of this machine, and none of the
// user's docker configuration: a daemon must not find credentials there.
func daemonEnv(run *runDir) []string {
	env := []string{"HOME=" + run.dir, "DOCKER_CONFIG=" + run.path("docker"), "TMPDIR=" + run.dir}
	for _, pair := range os.Environ() {
		key, _, _ := strings.Cut(pair, "=")
		switch key {
		case "HOME", "DOCKER_CONFIG", "TMPDIR", "BUILDKIT_HOST", "NOTIFY_SOCKET":
		default:
			env = append(env, pair)
		}
	}
	return env
}

// daemonConfig is the daemon's TOML. Steps share the host's network, so that they
// reach the registry and proxies on loopback.
func daemonConfig(run *runDir, tools Tools, registries []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "root = %q\n[grpc]\n  address = [%q]\n", run.path("root"), "unix://"+run.path("buildkitd.sock"))
	fmt.Fprintf(&b, "[worker.containerd]\n  enabled = false\n")
	fmt.Fprintf(&b, "[worker.oci]\n  enabled = true\n  networkMode = \"host\"\n  binary = %q\n  gc = false\n", tools.Runc)
	for _, host := range []string{"docker.io", "gcr.io", "ghcr.io"} {
		fmt.Fprintf(&b, "[registry.%q]\n  mirrors = [%q]\n", host, registries[0])
	}
	for _, addr := range registries {
		fmt.Fprintf(&b, "[registry.%q]\n  http = true\n", addr)
	}
	return b.String()
}

func (d *Daemon) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		if d.answers(ctx) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no answer: %w", ctx.Err())
		case <-d.done:
			return fmt.Errorf("it ended: %s", d.cmd.ProcessState)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (d *Daemon) answers(ctx context.Context) bool {
	if _, err := os.Stat(d.run.path("buildkitd.sock")); err != nil {
		return false
	}
	c, err := client.New(ctx, d.Addr)
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	workers, err := c.ListWorkers(ctx)
	return err == nil && len(workers) > 0
}

// Stop ends the daemon with everything that it started and removes its root.
func (d *Daemon) Stop() error {
	if d.cmd != nil {
		stopGroup(d.cmd.Process.Pid, d.done)
	}
	return d.run.remove()
}

// stopGroup asks a process group to end, and kills it after ten seconds.
func stopGroup(pid int, done <-chan struct{}) {
	_ = syscall.Kill(-pid, syscall.SIGTERM)
	select {
	case <-done:
	case <-time.After(10 * time.Second):
	}
	_ = syscall.Kill(-pid, syscall.SIGKILL)
	<-done
}

// logTail is the end of the daemon's log.
func (d *Daemon) logTail() string {
	data, err := os.ReadFile(d.LogFile)
	if err != nil {
		return ""
	}
	return "buildkitd's log ends with:\n" + string(data[max(0, len(data)-8<<10):])
}
