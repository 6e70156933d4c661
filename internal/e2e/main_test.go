package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/plimsoll-build/plimsoll/internal/testenv"
)

func TestMain(m *testing.M) {
	code := testenv.WithBed(m).Run()
	removeMade()
	os.Exit(code)
}

// program builds the command once.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "plimsoll-e2e-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "plimsoll")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", bin, "github.com/plimsoll-build/plimsoll/cmd/plimsoll").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building plimsoll: %w\n%s", err, out)
	}
	return bin, nil
})

var pushed struct {
	sync.Once
	err error
}

// bed is the shared bed with the frontend image in its registry, as the examples'
// syntax lines name it.
func bed(t *testing.T) *testenv.Bed {
	t.Helper()
	b := testenv.Shared(t)
	pushed.Do(func() {
		var log bytes.Buffer
		if _, err := b.Registry.PushFrontend(context.Background(), &log); err != nil {
			pushed.err = fmt.Errorf("%w\n%s", err, &log)
		}
	})
	if pushed.err != nil {
		t.Fatal(pushed.err)
	}
	return b
}

// result is how a command ended.
type result struct {
	stdout, stderr string
	code           int
}

// must fails the test unless the command succeeded.
func (r result) must(t *testing.T) result {
	t.Helper()
	if r.code != 0 {
		t.Fatalf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	return r
}

// plimsoll runs the command with a cache of its own, and docker.io and gcr.io found
// in the bed's registry.
func plimsoll(t *testing.T, b *testenv.Bed, env []string, args ...string) result {
	t.Helper()
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), bin, args...)
	cmd.Env = append(os.Environ(), "PLIMSOLL_CACHE="+t.TempDir(),
		"PLIMSOLL_MIRRORS=docker.io="+b.Registry.Addr+" gcr.io="+b.Registry.Addr)
	cmd.Env = append(cmd.Env, env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	r := result{stdout: stdout.String(), stderr: stderr.String()}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		r.code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return r
}

// unpack writes a txtar archive into a directory of the test.
func unpack(t *testing.T, archive string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		file := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// app is a service that compiles in seconds on a fresh daemon.
const app = `
-- plimsoll.yaml --
# syntax=ghcr.io/plimsoll-build/plimsoll:1
apiVersion: plimsoll.build/v1
name: app
build:
  args: {WORD: hello}
  ldflags: ["-X main.word=${WORD}"]
  stamp: {version: main.version}
image:
  files: [{from: data, to: /data}, {from: run.sh, to: /run.sh}]
  volumes: [/var/lib/app]
-- go.mod --
module example.com/app

go 1.26
-- main.go --
package main

var word, version string

func main() { println(word, version) }
-- data/a.txt --
a
-- data/deep/b.txt --
b
-- run.sh --
#!/nothing
`

func has(t *testing.T, what, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("%s lacks %q:\n%s", what, part, text)
	}
}

func lacks(t *testing.T, what, text, part string) {
	t.Helper()
	if strings.Contains(text, part) {
		t.Errorf("%s holds %q:\n%s", what, part, text)
	}
}

// runGo runs the go command in a directory with more environment.
func runGo(t *testing.T, dir string, env []string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %v: %v\n%s", args, err, out)
	}
}
