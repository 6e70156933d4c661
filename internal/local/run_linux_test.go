package local

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/export"
)

// The program in the image runs: here it is taken out as `-o DIR` does.
func TestRuns(t *testing.T) {
	result := build(t, options(t, tree(t, t.TempDir(), hello())), helloPlan(t, runtime.GOARCH))
	dir := filepath.Join(t.TempDir(), "root")
	out := export.Output{Type: export.TypeLocal, Dest: dir}
	if _, err := export.Write(t.Context(), export.Artifact{Image: result.Images[0].Image}, []export.Output{out}, export.Options{}); err != nil {
		t.Fatal(err)
	}
	said, err := exec.CommandContext(t.Context(), filepath.Join(dir, "hello")).CombinedOutput()
	if err != nil || string(said) != "hello world\n" {
		t.Errorf("it said %q, %v", said, err)
	}
}
