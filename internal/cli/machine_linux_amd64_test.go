package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/containerd/platforms"
)

// TestAMD64Level asks Go's own start-up, which refuses a machine below a binary's level.
func TestAMD64Level(t *testing.T) {
	dir := t.TempDir()
	src, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	if err := os.WriteFile(src, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, level := range []string{"v3", "v4"} {
		cmd := exec.CommandContext(t.Context(), "go", "build", "-o", program, src)
		cmd.Env = append(os.Environ(), "GOAMD64="+level, "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		starts := exec.CommandContext(t.Context(), program).Run() == nil
		if got := isRunnable(machine(), "linux/amd64/"+level); got != starts {
			t.Errorf("%s on %s: %t, and it starts: %t", level, platforms.Format(machine()), got, starts)
		}
	}
}
