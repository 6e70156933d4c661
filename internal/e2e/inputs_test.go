package e2e

import (
	"bytes"
	"crypto/sha256"
	"os"
	"path/filepath"
	"runtime/pprof"
	"testing"
)

// assembly is a package with assembly, which includes a file.
const assembly = `
-- lib/asm/asm.go --
package asm

func Answer() int
-- lib/asm/asm_amd64.s --
#include "textflag.h"
#include "answer.h"

TEXT ·Answer(SB), NOSPLIT, $0-8
	MOVQ $ANSWER, ret+0(FP)
	RET
-- lib/asm/answer.h --
#define ANSWER 42
`

// TestInputsReachTheBinary holds that whatever a compile reads of a service is part of what is
// sent to the daemon: the binary is that of a plain build, and changes with each input.
func TestInputsReachTheBinary(t *testing.T) {
	b := bed(t)
	t.Cleanup(func() { _ = os.RemoveAll(coldCache) })
	for _, c := range []struct {
		name   string
		make   func(t *testing.T, dir string)
		change func(t *testing.T, dir string)
	}{
		{"assembly", func(t *testing.T, dir string) {
			if err := os.CopyFS(dir, os.DirFS(unpack(t, assembly))); err != nil {
				t.Fatal(err)
			}
			edit(t, dir, "lib/leaf/leaf.go", "func", "import \"example.com/mono/lib/asm\"\n\nvar Answer = asm.Answer()\n\nfunc")
			edit(t, dir, "svc/a/main.go", "println(", "println(leaf.Answer, ")
		}, func(t *testing.T, dir string) { edit(t, dir, "lib/asm/answer.h", "42", "43") }},
		{"vendor", func(t *testing.T, dir string) {
			runGo(t, dir, []string{"GOWORK=off"}, "mod", "vendor")
		}, func(t *testing.T, dir string) {
			edit(t, dir, "vendor/golang.org/x/sync/errgroup/errgroup.go", "sync.WaitGroup", "sync.WaitGroup; more [3]int")
		}},
		{"profile", func(t *testing.T, dir string) {
			edit(t, dir, "svc/a/main.go", "net/http", "os") // with a profile all packages are compiled for it
			edit(t, dir, "svc/a/main.go", "http.ErrServerClosed", "os.ErrClosed")
			writeProfile(t, dir+"/svc/a/default.pgo", 1<<22)
		}, func(t *testing.T, dir string) { edit(t, dir, "lib/leaf/leaf.go", `"leaf"`, `"other"`) }},
		{"workspace", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "go.sum")); err != nil {
				t.Fatal(err)
			}
			edit(t, dir, "go.mod", "require golang.org/x/sync v0.10.0", "require golang.org/x/sync v0.0.0")
			if err := os.CopyFS(dir, os.DirFS(unpack(t, forked))); err != nil {
				t.Fatal(err)
			}
		}, func(t *testing.T, dir string) { edit(t, dir, "fork/errgroup/errgroup.go", "fork", "another fork") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := monorepo(t)
			c.make(t, dir)
			var before string
			for _, step := range []string{"first", "changed"} {
				if step == "changed" {
					c.change(t, dir)
				}
				dest := filepath.Join(t.TempDir(), step)
				progressOf(t, b, b.Daemon, dir, dest, aRevision...)
				got, want := files(t, images(t, dest)["linux/amd64"])["/svc"].sum, plainBuild(t, b, dir, aRevision...)
				if got != want {
					t.Errorf("%s: the binary is %s, that of a plain build %s", step, got, want)
				}
				if got == before {
					t.Errorf("the change did not reach the binary %s", got)
				}
				before = got
			}
		})
	}
}

// forked is a workspace whose other module stands for the one that is required.
const forked = `
-- go.work --
go 1.26

use (
	.
	./fork
)
-- fork/go.mod --
module golang.org/x/sync

go 1.26
-- fork/errgroup/errgroup.go --
package errgroup

import "errors"

type Group struct{ err error }

func (g *Group) Go(f func() error) { g.err = f() }

func (g *Group) Wait() error { return errors.Join(errors.New("fork"), g.err) }
`

// writeProfile writes a CPU profile of this process at work.
func writeProfile(t *testing.T, name string, work int) {
	t.Helper()
	var profile bytes.Buffer
	if err := pprof.StartCPUProfile(&profile); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(nil)
	for range work {
		sum = sha256.Sum256(sum[:])
	}
	pprof.StopCPUProfile()
	if err := os.WriteFile(name, profile.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
