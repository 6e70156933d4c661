package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"github.com/plimsoll-build/plimsoll/internal/testenv"
)

// state is what a started bed leaves for the next command.
type state struct {
	PID       int    `json:"pid"`
	Buildkit  string `json:"buildkit"`
	Registry  string `json:"registry"`
	Frontend  string `json:"frontend,omitempty"`
	DaemonLog string `json:"daemonLog"`
}

// startLimit is how long a bed may take to start; its tools are built before.
const startLimit = 3 * time.Minute

func stateFile() (string, error) {
	cache, err := testenv.CacheDir()
	return filepath.Join(cache, "bed.json"), err
}

// running reads the state of a living bed; nil if there is none. A bed holds the
// lock beside its state for as long as it lives, so a reused process number is no danger.
func running(file string) (*state, error) {
	lock := flock.New(file + ".lock")
	free, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("looking for a running bed: %w", err)
	}
	_ = lock.Close()
	if free {
		return nil, nil
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for a running bed: %w", err)
	}
	s := &state{}
	return s, json.Unmarshal(data, s)
}

// start prints the variables of the bed, started if it is not running yet.
func start(ctx context.Context, frontend bool) error {
	file, err := stateFile()
	if err != nil {
		return err
	}
	s, err := running(file)
	if err != nil {
		return err
	}
	if s == nil {
		if s, err = detach(ctx, file); err != nil {
			return err
		}
	}
	if frontend {
		registry := testenv.Registry{Addr: s.Registry}
		if s.Frontend, err = registry.PushFrontend(ctx, os.Stderr); err != nil {
			return fmt.Errorf("the bed runs, but without a frontend: %w", err)
		}
	}
	fmt.Printf("export BUILDKIT_ADDR=%s\nexport REGISTRY=%s\n", s.Buildkit, s.Registry)
	if s.Frontend != "" {
		fmt.Printf("export FRONTEND=%s\n", s.Frontend)
	}
	fmt.Fprintln(os.Stderr, "the daemon's log:", s.DaemonLog)
	return nil
}

// detach starts this program again as the bed's own process, away from the
// terminal, and waits for its state.
func detach(ctx context.Context, file string) (*state, error) {
	if err := testenv.Prepare(ctx); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	// `go run` deletes its program when it ends, and the bed has to outlive it: the
	// kernel keeps what is executed.
	cmd := exec.Command(self, "serve", file)
	logFile, err := os.Create(file + ".log")
	if err != nil {
		return nil, fmt.Errorf("starting the bed: %w", err)
	}
	defer func() { _ = logFile.Close() }()
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the bed: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	for end := time.Now().Add(startLimit); time.Now().Before(end); {
		if s, err := running(file); s != nil || err != nil {
			return s, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), cmd.Process.Signal(syscall.SIGTERM))
		case <-ended:
			data, _ := os.ReadFile(file + ".log")
			return nil, fmt.Errorf("starting the bed: %s", data)
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil, errors.Join(fmt.Errorf("starting the bed: no answer after %s", startLimit), cmd.Process.Kill())
}

// serve is the bed's own process: it runs the bed until a signal.
func serve(ctx context.Context, file string) error {
	// The lock says "running", so the old state has to be gone before it is taken
	// and the new one there before anybody believes it.
	lock := flock.New(file + ".lock")
	// Who asks whether a bed runs holds the lock for a moment.
	wait, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if _, err := lock.TryLockContext(wait, 10*time.Millisecond); err != nil {
		return fmt.Errorf("another bed is running: %w", err)
	}
	defer func() { _ = lock.Close() }()
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	bed, err := testenv.Start(ctx, testenv.Options{})
	if err != nil {
		return err
	}
	err = publish(file, state{
		PID: os.Getpid(), Buildkit: bed.Daemon.Addr, Registry: bed.Registry.Addr, DaemonLog: bed.Daemon.LogFile,
	})
	if err == nil {
		<-ctx.Done()
	}
	return errors.Join(err, bed.Close(), os.Remove(file))
}

func publish(file string, s state) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", data, 0o644); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// stop ends a running bed and waits until it cleaned up.
func stop(ctx context.Context) error {
	file, err := stateFile()
	if err != nil {
		return err
	}
	s, err := running(file)
	if err != nil {
		return err
	}
	if s == nil {
		fmt.Fprintln(os.Stderr, "no bed is running")
		return nil
	}
	if err := syscall.Kill(s.PID, syscall.SIGTERM); err != nil {
		return fmt.Errorf("stopping the bed: %w", err)
	}
	lock := flock.New(file + ".lock")
	defer func() { _ = lock.Close() }()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if _, err := lock.TryLockContext(ctx, 50*time.Millisecond); err != nil {
		return fmt.Errorf("stopping the bed: it does not end: %w", err)
	}
	return nil
}
