package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/containerd/platforms"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

func TestRuns(t *testing.T) {
	for _, test := range []struct {
		host, built string
		want        bool
	}{
		{"linux/amd64/v3", "linux/amd64", true},
		{"linux/amd64/v3", "linux/amd64/v1", true},
		{"linux/amd64/v3", "linux/amd64/v2", true},
		{"linux/amd64/v3", "linux/amd64/v3", true},
		{"linux/amd64/v3", "linux/amd64/v4", false},
		{"linux/amd64", "linux/amd64", true},
		{"linux/amd64", "linux/amd64/v2", false},
		{"linux/amd64/v3", "linux/386", false},
		{"linux/amd64/v3", "linux/arm64", false},
		{"linux/amd64/v3", "windows/amd64", false},
		{"linux/arm64", "linux/arm64/v8.2", true},
		{"linux/arm64", "linux/arm/v7", false},
		{"linux/arm/v6", "linux/arm/v7", false},
		{"linux/arm/v7", "linux/arm/v6", true},
		{"linux/riscv64", "linux/riscv64", true},
		{"darwin/arm64", "linux/arm64", false},
		{"darwin/arm64", "darwin/arm64", false},
		{"linux/amd64", "", false},
	} {
		if got := isRunnable(platforms.MustParse(test.host), test.built); got != test.want {
			t.Errorf("%s on %s: %t", test.built, test.host, got)
		}
	}
}

// The level of a binary is its own: build.levels leaves the image's platform as it is.
func TestNeeds(t *testing.T) {
	for _, test := range []struct{ platform, env, want string }{
		{"linux/amd64", "GOAMD64=v1", "linux/amd64"},
		{"linux/amd64", "GOAMD64=v3", "linux/amd64/v3"},
		{"linux/amd64/v2", "GOAMD64=v2", "linux/amd64/v2"},
		{"linux/arm64", "GOARM64=v8.2", "linux/arm64"},
	} {
		pl := plan.Plan{Platform: platforms.MustParse(test.platform), Compiles: []plan.Compile{{Env: []string{"CGO_ENABLED=0", test.env}}}}
		if got := platforms.Format(platforms.Normalize(needs(pl))); got != test.want {
			t.Errorf("%s with %s: %s", test.platform, test.env, got)
		}
	}
}

// TestAMD64Level asks Go's own start-up, which refuses a machine below a binary's level.
func TestAMD64Level(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		return
	}
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
		if got := isRunnable(machine(), "linux/amd64/"+level); got != starts && runtime.GOOS == "linux" {
			t.Errorf("%s on %s: %t, and it starts: %t", level, platforms.Format(machine()), got, starts)
		}
	}
}
