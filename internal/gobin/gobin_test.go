package gobin_test

import (
	"bytes"
	"debug/elf"
	"debug/gosym"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/gobin"
)

const source = `package main

import "os"

func main() { os.Stdout.WriteString("hello\n") }
`

// build makes a small Go program once per name and returns its bytes.
func build(t testing.TB, name string, goLine string, env []string, flags ...string) []byte {
	t.Helper()
	return buildOnce(t, name, func() ([]byte, error) { return compile(source, goLine, env, flags) })
}

// buildSource is build with another program.
func buildSource(t testing.TB, name, source string, env []string, flags ...string) []byte {
	t.Helper()
	return buildOnce(t, name, func() ([]byte, error) { return compile(source, "1.26", env, flags) })
}

func buildOnce(t testing.TB, name string, compile func() ([]byte, error)) []byte {
	t.Helper()
	made, _ := programs.LoadOrStore(name, sync.OnceValues(compile))
	data, err := made.(func() ([]byte, error))()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(data)
}

var programs sync.Map

func compile(source, goLine string, env, flags []string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "gobin")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	mod := "module example.com/hello\n\ngo " + goLine + "\n"
	for name, content := range map[string]string{"go.mod": mod, "main.go": source} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return nil, err
		}
	}
	out := filepath.Join(dir, "hello")
	cmd := exec.Command("go", slices.Concat([]string{"build", "-trimpath", "-buildvcs=false", "-o", out}, flags, []string{"."})...)
	cmd.Dir = dir
	cmd.Env = slices.Concat(os.Environ(), []string{"CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOTOOLCHAIN=local"}, env)
	if msg, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, msg)
	}
	return os.ReadFile(out)
}

func read(t testing.TB, data []byte) *gobin.Binary {
	t.Helper()
	b, err := gobin.Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReadBuilds(t *testing.T) {
	stripped := []string{"-ldflags=-s -w"}
	tests := []struct {
		name, goLine string
		env, flags   []string
		want         string
	}{
		{"amd64", "1.26", []string{"GOARCH=amd64"}, stripped, "ELFCLASS64 ELFDATA2LSB ET_EXEC EM_X86_64 static=true interp= GOAMD64=v1 main=true"},
		{"amd64 v3 unstripped", "1.26", []string{"GOARCH=amd64", "GOAMD64=v3"}, nil, "ELFCLASS64 ELFDATA2LSB ET_EXEC EM_X86_64 static=true interp= GOAMD64=v3 main=true"},
		{"pie", "1.26", []string{"GOARCH=amd64"}, []string{"-buildmode=pie"}, "ELFCLASS64 ELFDATA2LSB ET_DYN EM_X86_64 static=false interp=/lib64/ld-linux-x86-64.so.2 GOAMD64=v1 main=true"},
		{"arm", "1.26", []string{"GOARCH=arm", "GOARM=6"}, stripped, "ELFCLASS32 ELFDATA2LSB ET_EXEC EM_ARM static=true interp= GOARM=6 main=true"},
		{"s390x", "1.26", []string{"GOARCH=s390x"}, stripped, "ELFCLASS64 ELFDATA2MSB ET_EXEC EM_S390 static=true interp= = main=true"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			b := read(t, build(t, tc.name, tc.goLine, tc.env, tc.flags...))
			level, key := "", ""
			for _, k := range []string{"GOAMD64", "GOARM"} {
				if v, ok := b.Setting(k); ok {
					level, key = v, k
				}
			}
			if !b.Functions.HasSource("main.go") || b.Functions.HasSource("ain.go") {
				t.Error("source files are not found by their whole names")
			}
			mains, _ := find(b.Functions, 9, "main.main")
			got := fmt.Sprint(b.Class, " ", b.Data, " ", b.Type, " ", b.Machine, " static=", static(b), " interp=", b.Interp, " ", key, "=", level, " main=", len(mains) == 1)
			if got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
			if cgo, n := find(b.Functions, 3, gobin.CgoPrefixes()...); n != 0 {
				t.Errorf("cgo functions in a CGO_ENABLED=0 build: %v", cgo)
			}
			if b.PIE != (tc.name == "pie") {
				t.Errorf("PIE = %v", b.PIE)
			}
		})
	}
}

func TestGoLineIsInBuildInfo(t *testing.T) {
	for goLine, off := range map[string]bool{"1.24": true, "1.26": false} {
		b := read(t, build(t, "line "+goLine, goLine, []string{"GOARCH=amd64"}))
		godebug, _ := b.Setting("DefaultGODEBUG")
		if strings.Contains(godebug, "containermaxprocs=0") != off {
			t.Errorf("go %s: DefaultGODEBUG is %q", goLine, godebug)
		}
	}
}

// The names must be the ones that debug/gosym, the reference, sees.
func TestFunctionsEqualGosym(t *testing.T) {
	for name, env := range map[string][]string{"amd64": {"GOARCH=amd64"}, "arm": {"GOARCH=arm", "GOARM=6"}} {
		data := build(t, name, "1.26", env, "-ldflags=-s -w")
		f, err := elf.NewFile(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		pclntab, err := f.Section(".gopclntab").Data()
		if err != nil {
			t.Fatal(err)
		}
		table, err := gosym.NewTable(nil, gosym.NewLineTable(pclntab, f.Section(".text").Addr))
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, fn := range table.Funcs {
			want = append(want, fn.Name)
		}
		if got := slices.Collect(read(t, data).Functions.All()); !slices.Equal(got, want) {
			t.Errorf("%s: %d functions, gosym has %d", name, len(got), len(want))
		}
	}
}

// withSegment puts data behind the file and stretches the writable segment over it.
func withSegment(t *testing.T, file, data []byte) []byte {
	f, err := elf.NewFile(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	both := slices.Concat(file, data)
	const headers, size, fileSize = 64, 56, 32
	for i, p := range f.Progs {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_W != 0 {
			f.ByteOrder.PutUint64(both[headers+i*size+fileSize:], uint64(len(both))-p.Off)
		}
	}
	return both
}

// A Go program that carries another as data has the functions of its own table
// alone; where that cannot be told, it has those of both.
func TestCarriedTable(t *testing.T) {
	carried := bytes.Replace(build(t, "amd64", "1.26", []string{"GOARCH=amd64"}, "-ldflags=-s -w"), []byte("main.main\x00"), []byte("main.nope\x00"), 1)
	for name, want := range map[string]int{"amd64": 0, "pie": 1} {
		flags := []string{"-ldflags=-s -w"}
		if name == "pie" {
			flags = []string{"-buildmode=pie"}
		}
		fs := read(t, withSegment(t, build(t, name, "1.26", []string{"GOARCH=amd64"}, flags...), carried)).Functions
		if _, n := find(fs, 0, "main.main"); n != 1 {
			t.Errorf("%s: main.main is there %d times", name, n)
		}
		if _, n := find(fs, 0, "main.nope"); n != want {
			t.Errorf("%s: the carried program's function is there %d times, want %d", name, n, want)
		}
	}
}

// A forged table with a forged pointer to it must not hide the one that the
// runtime uses.
func TestForgedTable(t *testing.T) {
	data := build(t, "amd64", "1.26", []string{"GOARCH=amd64"}, "-ldflags=-s -w")
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	table, err := f.Section(".gopclntab").Data()
	if err != nil {
		t.Fatal(err)
	}
	forged := bytes.Replace(table, []byte("main.main\x00"), []byte("main.nope\x00"), 1)
	i := slices.IndexFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_LOAD && p.Flags&elf.PF_W != 0 })
	address := f.Progs[i].Vaddr + uint64(len(data)) - f.Progs[i].Off
	forged = f.ByteOrder.(binary.AppendByteOrder).AppendUint64(forged, address)
	forged = f.ByteOrder.(binary.AppendByteOrder).AppendUint64(forged, address+f.ByteOrder.Uint64(table[8+3*8:]))
	fs := read(t, withSegment(t, data, forged)).Functions
	for _, name := range []string{"main.main", "main.nope"} {
		if _, n := find(fs, 1, name); n == 0 {
			t.Errorf("%s is not found", name)
		}
	}
}

func TestHostileHeaders(t *testing.T) {
	whole := build(t, "pie", "1.26", []string{"GOARCH=amd64"}, "-buildmode=pie")
	for n := range min(len(whole), 8192) {
		if n%61 == 0 {
			cut := whole[:n]
			if b, err := gobin.Read(bytes.NewReader(cut), int64(n)); err == nil && static(b) {
				t.Errorf("cut to %d bytes, a PIE is taken for static", n)
			}
		}
	}
	for name, data := range map[string][]byte{"empty": nil, "script": []byte("#!/bin/sh\n"), "magic only": []byte("\x7fELF")} {
		if _, err := gobin.Read(bytes.NewReader(data), int64(len(data))); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	// Every byte of the headers in turn, at its extremes: an error or an answer.
	for i := range 64 + 56*12 {
		for _, v := range []byte{0, 0x7f, 0xff} {
			bad := bytes.Clone(whole[:1<<16])
			bad[i] = v
			_, _ = gobin.Read(bytes.NewReader(bad), int64(len(bad)))
		}
	}
}

// What is installed here is Go by other hands: nothing may panic, and each of the
// toolchain's programs has both build info and a table.
func TestToolchainBinaries(t *testing.T) {
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(strings.TrimSpace(string(goroot)), "bin", "go")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	b, err := gobin.Read(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	if b.Build == nil || b.Functions == nil {
		t.Fatalf("build info: %v, functions: %v", b.BuildErr, b.FunctionsErr)
	}
	if _, n := find(b.Functions, 0, "cmd/go/internal/"); n < 1000 {
		t.Errorf("%d functions of cmd/go", n)
	}
}

// find are the functions that begin with one of the prefixes, and how many there are.
func find(fs *gobin.Functions, limit int, prefixes ...string) ([]string, int) {
	m := fs.FindAll(limit, [][]string{prefixes})[0]
	return m.Names, m.Total
}

// static is what rule static of verify demands.
func static(b *gobin.Binary) bool { return !b.HasInterp && len(b.Needed) == 0 }
