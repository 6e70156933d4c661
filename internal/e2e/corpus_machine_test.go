package e2e

import (
	"debug/buildinfo"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// maxPrograms bounds the work on a machine where much is installed.
const maxPrograms = 40

// machinePrograms are Go programs of this machine: Go's own first, then whatever the
// usual directories hold. Build info tells them from others.
func machinePrograms(t *testing.T) (goRoot string, programs []string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT", "GOTOOLDIR", "GOPATH").Output()
	if err != nil {
		t.Fatal(err)
	}
	env := strings.Split(strings.TrimSpace(string(out)), "\n")
	dirs := []string{filepath.Join(env[0], "bin"), env[1], filepath.Join(env[2], "bin"), "/usr/local/bin", "/usr/bin", "/usr/sbin"}
	for _, dir := range dirs {
		entries, _ := os.ReadDir(dir) // one that is not there has no programs
		for _, e := range entries {
			file := filepath.Join(dir, e.Name())
			if len(programs) < maxPrograms && isGoProgram(file) {
				programs = append(programs, file)
			}
		}
	}
	return env[0] + "/", programs
}

func isGoProgram(file string) bool {
	info, err := os.Stat(file)
	if err != nil || !info.Mode().IsRegular() || info.Mode()&fs.ModePerm&0o111 == 0 {
		return false
	}
	_, err = buildinfo.ReadFile(file)
	return err == nil
}

// TestMachinePrograms verifies the Go programs that this machine has: each can be read,
// is of this machine's platform, and has a Go version. Go's own are static besides.
func TestMachinePrograms(t *testing.T) {
	goRoot, programs := machinePrograms(t)
	if len(programs) < 5 {
		t.Fatalf("only %v: Go alone has more", programs)
	}
	t.Logf("%d programs", len(programs))
	for _, file := range programs {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			j := judged(t, nil, "oci:"+programImage(t, data))[0]
			info, err := buildinfo.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			// The image says linux/amd64, whatever this machine is.
			if got, amd64 := j.verdict("platform"), runtime.GOARCH == "amd64"; amd64 && got == "fail" || !amd64 && got == "pass" {
				t.Errorf("platform: %s", got)
			}
			if got := j.verdict("metadata"); got == "fail" {
				t.Errorf("metadata fails: %+v", j.Results)
			}
			if got := j.verdict("go-version"); got != "pass" && got != "warn" {
				t.Errorf("go-version: %s, %s", got, info.GoVersion)
			}
			if strings.HasPrefix(file, goRoot) && j.verdict("static") != "pass" {
				t.Errorf("static: %s", j.verdict("static"))
			}
		})
	}
}
