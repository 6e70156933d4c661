package corpus

import (
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// recipe is how one of the corpus's own programs is built.
type recipe struct {
	goLine, source string
	env, flags     []string
}

const (
	helloSource = "package main\n\nimport \"os\"\n\nfunc main() { os.Stdout.WriteString(\"hello\\n\") }\n"
	tlsSource   = "package main\n\nimport \"crypto/x509\"\n\nfunc main() { println(x509.SystemCertPool()) }\n"
)

// release are the flags of a program as it should be.
var release = []string{"-trimpath", "-ldflags=-s -w"}

// build compiles the recipe, with another compiler's command line if there is one.
func (m *maker) build(ctx context.Context, r recipe, compiler ...string) ([]byte, error) {
	dir, err := os.MkdirTemp(m.o.Dir, "program-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	for name, content := range map[string]string{"go.mod": "module example.com/app\n\ngo " + r.goLine + "\n", "main.go": r.source} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return nil, err
		}
	}
	if len(compiler) == 0 {
		compiler = []string{"go"}
	}
	out := filepath.Join(dir, "out.bin")
	cmd := exec.CommandContext(ctx, compiler[0], slices.Concat(compiler[1:], []string{"build", "-buildvcs=false", "-o", out}, r.flags, []string{"."})...)
	cmd.Dir = dir
	cmd.Env = slices.Concat(os.Environ(), []string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOAMD64=v1", "GOFLAGS=", "GOWORK=off"}, r.env)
	if err := run(cmd); err != nil {
		return nil, err
	}
	return os.ReadFile(out)
}

// hello is a small program that has nothing wrong.
func (m *maker) hello(ctx context.Context) ([]byte, error) {
	if m.program == nil {
		data, err := m.build(ctx, recipe{"1.26", helloSource, nil, release})
		if err != nil {
			return nil, err
		}
		m.program = data
	}
	return slices.Clone(m.program), nil
}

// replaced replaces each occurrence by as many bytes, and demands that there is one.
func replaced(data []byte, old, with string) ([]byte, error) {
	if n := bytes.Count(data, []byte(old)); n == 0 || len(old) != len(with) {
		return nil, fmt.Errorf("%q occurs %d times", old, n)
	}
	return bytes.ReplaceAll(data, []byte(old), []byte(with)), nil
}

// inSection replaces the first occurrence within the build info's section alone, so that
// the program's own copy stays.
func inSection(data []byte, old, with string) ([]byte, error) {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	s := f.Section(".go.buildinfo")
	if s == nil {
		return nil, fmt.Errorf("no section .go.buildinfo")
	}
	part := data[s.Offset : s.Offset+s.FileSize]
	edited, err := replaced(part, old, with)
	if err != nil {
		return nil, err
	}
	copy(part, edited)
	return data, nil
}

// withoutSection zeroes the build info's section, as removing it does.
func withoutSection(data []byte) ([]byte, error) {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	s := f.Section(".go.buildinfo")
	if s == nil {
		return nil, fmt.Errorf("no section .go.buildinfo")
	}
	clear(data[s.Offset : s.Offset+s.FileSize])
	return data, nil
}

// packed is the program as UPX packs it.
func (m *maker) packed(ctx context.Context, data []byte) ([]byte, error) {
	root, err := m.o.Cache.Debian(ctx, "upx-ucl")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(m.o.Dir, "packed.bin")
	defer os.Remove(file)
	if err := os.WriteFile(file, data, 0o755); err != nil {
		return nil, err
	}
	if err := run(exec.CommandContext(ctx, filepath.Join(root, "usr/bin/upx-ucl"), "-q", "-1", file)); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
}

// GarbleVersion is the newest that takes this module's Go.
const GarbleVersion = "v0.17.0"

// garbled is the small program with its names obfuscated, by garble itself.
func (m *maker) garbled(ctx context.Context) ([]byte, error) {
	garble, err := m.o.Cache.GoTool(ctx, "mvdan.cc/garble", GarbleVersion)
	if err != nil {
		return nil, err
	}
	cache := filepath.Join(string(m.o.Cache), "garble")
	return m.build(ctx, recipe{"1.26", helloSource, []string{"GARBLE_CACHE=" + cache}, nil}, garble)
}

// reallyCgo is Debian's runc, which is built with cgo, with a build info that says
// CGO_ENABLED=0: an edit of one byte in each of its two copies.
func (m *maker) reallyCgo(ctx context.Context) ([]byte, error) {
	root, err := m.o.Cache.Debian(ctx, "runc")
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(root, "usr/sbin/runc"))
	if err != nil {
		return nil, err
	}
	return replaced(data, "CGO_ENABLED=1", "CGO_ENABLED=0")
}
