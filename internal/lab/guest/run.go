//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/plimsoll-build/plimsoll/internal/lab/trial"
)

// run runs a trial; whatever keeps it from running is in the result.
func run(t trial.Trial) trial.Result {
	r := trial.Result{Name: t.Name}
	if err := try(t, &r); err != nil {
		r.LabError = err.Error()
	}
	return r
}

func try(t trial.Trial, r *trial.Result) error {
	start := ownContainer
	if t.Crun {
		start = underCrun
	}
	cmd, dir, remove, err := start(t)
	defer remove()
	if err != nil {
		return err
	}
	out := &output{atFirstLine: func() error { return setAll(dir, t.Change) }}
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = out, &stderr
	err = cmd.Run()
	r.Out, r.Err, r.Exit = out.kept.String(), stderr.String(), exitCode(cmd.ProcessState)
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		return err
	}
	if r.Exit == stageExit && strings.HasPrefix(r.Err, stageFailed) {
		return errors.New(strings.TrimSpace(r.Err))
	}
	r.Events, err = events(dir)
	return err
}

// ownContainer makes the command that runs a trial in a container of the guest's own
// making, and returns the directory of its innermost group.
func ownContainer(t trial.Trial) (cmd *exec.Cmd, dir string, remove func(), err error) {
	dir, removeGroups, err := makeGroups(t.Groups)
	if err != nil {
		return nil, "", removeGroups, err
	}
	group, err := os.Open(dir)
	if err != nil {
		return nil, "", removeGroups, err
	}
	asked, err := json.Marshal(t)
	cmd = exec.Command("/proc/self/exe", stageArg, string(asked))
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		UseCgroupFD: true, CgroupFD: int(group.Fd()),
	}
	return cmd, dir, func() { _ = group.Close(); removeGroups() }, err
}

// exitCode is what a shell would say: 128 + N for signal N.
func exitCode(state *os.ProcessState) int {
	if state == nil {
		return -1
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}

// output keeps what is written and does something once, when the first line is complete.
// The buffer is not embedded: its ReadFrom would pass Write by.
type output struct {
	kept        bytes.Buffer
	atFirstLine func() error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.kept.Write(p)
	if o.atFirstLine != nil && bytes.Contains(o.kept.Bytes(), []byte("\n")) {
		if changeErr := o.atFirstLine(); changeErr != nil {
			err = errors.Join(err, fmt.Errorf("changing limits: %w", changeErr))
		}
		o.atFirstLine = nil
	}
	return n, err
}
