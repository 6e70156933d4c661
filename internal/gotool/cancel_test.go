//go:build unix

package gotool

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Cancelling ends what the go command has started too, and leaves no directory.
func TestCancel(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	dir := tree(t, map[string]string{"bin/go": "#!/bin/sh\nsleep 600 &\necho $! > child\nwait\n"})
	if err := os.Chmod(filepath.Join(dir, "bin/go"), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	pid := make(chan int, 1)
	go func() {
		defer cancel()
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
			data, _ := os.ReadFile(filepath.Join(dir, "child"))
			if n, err := strconv.Atoi(strings.TrimSpace(string(data))); err == nil {
				pid <- n
				return
			}
		}
		pid <- 0
	}()
	start := time.Now()
	_, err := Tool{Root: dir, Ambient: []string{"PATH=" + os.Getenv("PATH")}}.Run(ctx, Command{Argv: []string{"go", "build"}, Dir: dir})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want context.Canceled", err)
	}
	if took := time.Since(start); took > killGrace+10*time.Second {
		t.Errorf("cancelling took %v", took)
	}
	child := <-pid
	if child == 0 {
		t.Fatal("the command did not start")
	}
	for deadline := time.Now().Add(5 * time.Second); running(child); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the child process lives on")
		}
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// running reports whether a process exists and is not a zombie.
func running(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || !strings.Contains(string(stat), ") Z ")
}
