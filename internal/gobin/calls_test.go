package gobin_test

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/gobin"
)

// callers calls the two setters of the runtime in each way that matters: a constant
// that sets, one that only reads, a variable, a constant that a jump goes around, a
// tail call, and from initialization.
const callers = `package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

var atStart = initial()

//go:noinline
func initial() int { return runtime.GOMAXPROCS(3) }

//go:noinline
func read() int { return runtime.GOMAXPROCS(0) }

//go:noinline
func variable(n int) int { return runtime.GOMAXPROCS(n) }

//go:noinline
func around(b bool) int {
	n := 0
	if b {
		n = len(os.Args)
	}
	return runtime.GOMAXPROCS(n)
}

//go:noinline
func limit(n int64) int64 { return debug.SetMemoryLimit(n) }

//go:noinline
func limitRead() int64 { return debug.SetMemoryLimit(-1) }

func main() {
	println(atStart, read(), variable(len(os.Args)), around(len(os.Args) > 1), limit(int64(len(os.Args))<<30), limitRead())
}
`

func TestCallers(t *testing.T) {
	want := map[string]string{
		"main.initial": "3", "main.read": "0", "main.variable": "?", "main.around": "?",
		"main.limit": "?", "main.limitRead": "-1", "sync.(*Pool).pinSlow": "0",
	}
	const unoptimized = "amd64 unoptimized" // arguments go by way of the stack there
	for _, tc := range []struct {
		name       string
		env, flags []string
	}{
		{"amd64", []string{"GOARCH=amd64"}, nil},
		{"amd64 stripped", []string{"GOARCH=amd64"}, []string{"-ldflags=-s -w"}},
		{unoptimized, []string{"GOARCH=amd64"}, []string{"-gcflags=all=-N -l"}},
		{"amd64 pie", []string{"GOARCH=amd64"}, []string{"-buildmode=pie", "-ldflags=-s -w"}},
		{"arm64", []string{"GOARCH=arm64"}, []string{"-ldflags=-s -w"}},
		{"arm64 pie", []string{"GOARCH=arm64"}, []string{"-buildmode=pie", "-ldflags=-s -w"}},
		{"cgo static-pie", []string{"GOARCH=amd64", "CGO_ENABLED=1"}, []string{"-tags=netgo,osusergo", "-ldflags=-s -w -linkmode=external -extldflags=-static-pie", "-buildmode=pie"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			data := buildSource(t, "calls "+tc.name, callers, tc.env, tc.flags...)
			calls, err := read(t, data).Functions.Callers("runtime.GOMAXPROCS", "runtime/debug.SetMemoryLimit", "runtime/debug.setMemoryLimit")
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, c := range calls {
				got[c.Caller] = argument(c)
			}
			for caller, arg := range want {
				have, ok := got[caller]
				if !ok || have != arg && (tc.name != unoptimized || have != "?") {
					t.Errorf("%s with %q, want %q; all: %v", caller, have, arg, got)
				}
			}
		})
	}
}

func argument(c gobin.Call) string {
	if !c.Known {
		return "?"
	}
	return fmt.Sprint(c.Arg)
}

// The callers must be the ones that the disassembler, the reference, sees.
func TestCallersEqualDisassembly(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		path := t.TempDir() + "/hello"
		data := buildSource(t, "disassembled "+arch, callers, []string{"GOARCH=" + arch})
		if err := os.WriteFile(path, data, 0o755); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("go", "tool", "objdump", path).Output()
		if err != nil {
			t.Fatal(err)
		}
		const target = "runtime.newobject"
		var want []string
		caller := ""
		for line := range strings.Lines(string(out)) {
			if name, ok := strings.CutPrefix(line, "TEXT "); ok {
				caller, _, _ = strings.Cut(name, "(SB)")
			}
			fields := strings.Fields(line)
			if last := fields[max(len(fields)-1, 0):]; len(fields) > 1 && slices.Equal(last, []string{target + "(SB)"}) && slices.Contains([]string{"CALL", "JMP"}, fields[len(fields)-2]) && caller != target {
				want = append(want, caller)
			}
		}
		calls, err := read(t, data).Functions.Callers(target)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range calls {
			got = append(got, c.Caller)
		}
		if !slices.Equal(got, want) || len(want) < 20 {
			t.Errorf("%s: %d calls, the disassembler has %d", arch, len(got), len(want))
		}
	}
}

func TestCallersUnknown(t *testing.T) {
	whole := build(t, "amd64", "1.26", []string{"GOARCH=amd64"}, "-ldflags=-s -w")
	f, err := elf.NewFile(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	noData := slices.Clone(whole)
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_W != 0 {
			clear(noData[p.Off : p.Off+p.Filesz])
		}
	}
	for name, data := range map[string][]byte{
		"no module data":   noData,
		"another machine":  build(t, "s390x", "1.26", []string{"GOARCH=s390x"}, "-ldflags=-s -w"),
		"32 bits":          build(t, "arm", "1.26", []string{"GOARCH=arm", "GOARM=6"}, "-ldflags=-s -w"),
		"another's header": patched(whole, 18, byte(elf.EM_S390)),
	} {
		if calls, err := read(t, data).Functions.Callers("main.main"); err == nil {
			t.Errorf("%s: %v, and no error", name, calls)
		}
	}
	if calls, err := read(t, whole).Functions.Callers("main.absent"); err != nil || calls != nil {
		t.Errorf("a function that is not linked: %v, %v", calls, err)
	}
}

func patched(data []byte, at int, b byte) []byte {
	data = slices.Clone(data)
	data[at] = b
	return data
}

// Every entry of the table in turn, put out of order: an error or an answer.
func TestCallersHostile(t *testing.T) {
	whole := build(t, "amd64", "1.26", []string{"GOARCH=amd64"}, "-ldflags=-s -w")
	f, err := elf.NewFile(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	s := f.Section(".gopclntab")
	at := int(s.Offset + f.ByteOrder.Uint64(whole[s.Offset+8+7*8:])) // of the entry list
	for i := range 64 {
		for _, b := range []byte{0, 0x7f, 0xff} {
			bad := patched(whole, at+8*i*16+2, b)
			_, _ = read(t, bad).Functions.Callers("runtime.newobject", "runtime.GOMAXPROCS")
		}
	}
	if calls, err := read(t, whole).Functions.Callers("runtime.newobject"); err != nil || len(calls) < 20 {
		t.Errorf("undamaged: %d calls, %v", len(calls), err)
	}
}
