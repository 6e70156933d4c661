package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// measureVariable makes this binary run its arguments as a command and write the peak of
// its memory to the file that the variable names. Linux counts what a process held before
// it became the command, so that the tests themselves, which grow, cannot be its parent.
const measureVariable = "PLIMSOLL_E2E_MEASURE"

func init() {
	file := os.Getenv(measureVariable)
	if file == "" {
		return
	}
	os.Unsetenv(measureVariable)
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		panic(err)
	}
	peak := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
	if err := os.WriteFile(file, []byte(strconv.FormatInt(peak, 10)), 0o644); err != nil {
		panic(err)
	}
	os.Exit(cmd.ProcessState.ExitCode())
}

// verified is how a verification ended, and what it cost.
type verified struct {
	result
	// peak is the largest resident size, in bytes.
	peak int64
	// left are files that it did not remove.
	left []string
}

// verifyCommand runs the shipped command's verify as a person does, with a directory of
// its own for temporary files. It needs no bed.
func verifyCommand(t *testing.T, env []string, args ...string) verified {
	t.Helper()
	return verifyInput(t, nil, env, args...)
}

func verifyInput(t *testing.T, stdin *os.File, env []string, args ...string) verified {
	t.Helper()
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	tmp := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	peak := filepath.Join(t.TempDir(), "peak")
	cmd := exec.CommandContext(t.Context(), self, append([]string{bin, "verify"}, args...)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp, measureVariable+"="+peak)
	cmd.Env = append(cmd.Env, env...)
	if stdin != nil {
		cmd.Stdin = stdin
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	r := verified{result: result{stdout: stdout.String(), stderr: stderr.String()}}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		r.code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(peak)
	if err != nil {
		t.Fatal(err)
	}
	if r.peak, err = strconv.ParseInt(string(data), 10, 64); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(tmp)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		r.left = append(r.left, e.Name())
	}
	lacks(t, "verify's errors", r.stderr, "goroutine ")
	return r
}
