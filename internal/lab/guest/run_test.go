//go:build linux

package main

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The limits change when the first line is complete, once, also if io.Copy looks for a
// shorter way.
func TestOutput(t *testing.T) {
	times, at := 0, ""
	var out *output
	out = &output{atFirstLine: func() error { times++; at = out.kept.String(); return nil }}
	r, w := io.Pipe()
	go func() {
		for _, part := range []string{"fir", "st\n", "second\n"} {
			_, _ = io.WriteString(w, part)
		}
		_ = w.Close()
	}()
	if _, err := io.Copy(out, r); err != nil {
		t.Fatal(err)
	}
	if times != 1 || at != "first\n" || out.kept.String() != "first\nsecond\n" {
		t.Errorf("%d times, at %q, of %q", times, at, out.kept.String())
	}
}

func TestExitCode(t *testing.T) {
	tests := map[string]int{"exit 0": 0, "exit 2": 2, "kill -KILL $$": 137, "kill -TERM $$": 143}
	for script, want := range tests {
		cmd := exec.Command("sh", "-c", script)
		_ = cmd.Run()
		if got := exitCode(cmd.ProcessState); got != want {
			t.Errorf("%s: %d, want %d", script, got, want)
		}
	}
	if got := exitCode(nil); got != -1 {
		t.Errorf("a program that did not start: %d", got)
	}
}

func TestEvents(t *testing.T) {
	dir := t.TempDir()
	if _, err := events(dir); err == nil {
		t.Error("a group without the file has no events, and no error")
	}
	if err := os.WriteFile(dir+"/memory.events", []byte("low 0\nhigh 12\noom_kill 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := events(dir)
	if err != nil || got["high"] != 12 || got["oom_kill"] != 1 {
		t.Errorf("%v, %v", got, err)
	}
	if err := os.WriteFile(dir+"/memory.events", []byte("high many\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := events(dir); err == nil || !strings.Contains(err.Error(), "many") {
		t.Errorf("a count that is none: %v", err)
	}
}
