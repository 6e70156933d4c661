//go:build unix

package rehearse

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// ending is how a service ended.
type ending struct {
	stopped  bool // by the rehearsal, when the time was over
	code     int  // -1 for a signal
	signal   syscall.Signal
	after    time.Duration
	resident int64 // its peak, in bytes
}

func (e ending) String() string {
	switch {
	case e.stopped:
		return "alive after " + e.after.Round(time.Millisecond).String()
	case e.code < 0:
		return fmt.Sprintf("killed by signal %d (%s) after %s: exit code %d", e.signal, e.signal, e.after.Round(time.Millisecond), e.exit())
	}
	return fmt.Sprintf("exit code %d after %s", e.code, e.after.Round(time.Millisecond))
}

// exit is the exit code as a container reports it.
func (e ending) exit() int {
	if e.code < 0 {
		return 128 + int(e.signal)
	}
	return e.code
}

// command is the service as the image runs it. What it prints goes to out and the lines.
func command(r plan.Rehearsal, out io.Writer, l *lines) (*exec.Cmd, error) {
	if len(r.Argv) == 0 {
		return nil, errors.New("the image has no entrypoint and no command")
	}
	program := r.Argv[0]
	if !strings.Contains(program, "/") {
		// It is found as a container runtime finds it: by the image's own PATH.
		if err := os.Setenv("PATH", lookup(r.Env, "PATH")); err != nil {
			return nil, err
		}
		var err error
		if program, err = exec.LookPath(program); err != nil {
			return nil, err
		}
	}
	if _, err := os.Stat(r.Dir); r.Dir != "" && err != nil { // the error of starting would name the program
		return nil, fmt.Errorf("finding the working directory: %w", err)
	}
	return &exec.Cmd{
		Path: program, Args: r.Argv, Env: asking(r.Env), Dir: r.Dir, Stdout: out, Stderr: l,
		SysProcAttr: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(r.UID), Gid: uint32(r.GID)}},
		WaitDelay:   time.Second, // a child of the service may keep its output open
	}, nil
}

// start starts the service. The command is nil if there is none to start.
func start(r plan.Rehearsal, out io.Writer, l *lines) (*exec.Cmd, error) {
	cmd, err := command(r, out, l)
	if err != nil {
		return nil, err
	}
	anyPort := bindAnyPort(cmd.SysProcAttr)
	if err = cmd.Start(); err == nil || !anyPort {
		return cmd, err
	}
	// This program may lack that capability, or its kernel know no way to pass one on: then
	// the service does without, and the error of this start is the one to tell.
	if cmd, err = command(r, out, l); err != nil {
		return nil, err
	}
	return cmd, cmd.Start()
}

// sampling is how often the memory of a service is looked at.
const sampling = 20 * time.Millisecond

// watch waits for the end of a started service, at most for the given time, and kills it then.
func watch(cmd *exec.Cmd, limit time.Duration) ending {
	start := time.Now()
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the state says it all
		close(done)
	}()
	over := time.After(limit)
	look := time.NewTicker(sampling)
	defer look.Stop()
	var e ending
	for {
		select {
		case <-done:
			e.after = time.Since(start)
			e.describe(cmd.ProcessState)
			return e
		case <-look.C:
			e.resident = max(e.resident, resident(cmd.Process.Pid))
		case <-over:
			e.resident = max(e.resident, resident(cmd.Process.Pid))
			e.stopped = cmd.Process.Kill() == nil
		}
	}
}

// describe takes over how a process ended; nothing is known of one that cannot be waited for.
func (e *ending) describe(state *os.ProcessState) {
	e.code = -1
	if state == nil {
		return
	}
	e.code = state.ExitCode()
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		e.signal = status.Signal()
	}
}

// resident is the peak of a process so far, in bytes; 0 if it is not known. What the kernel
// counts for a process that has ended begins with its parent's, before the execve.
func resident(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err == nil {
				return n << 10
			}
		}
	}
	return 0
}
