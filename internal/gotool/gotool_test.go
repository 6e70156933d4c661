package gotool

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// host is the go command that runs the tests.
func host(t *testing.T) Tool {
	t.Helper()
	tool, err := Find(t.Context(), os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	return tool
}

// tree writes files below a new directory and returns its real path.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// compile is a Compile of a module at dir.
func compile(dir, pkg string) plan.Compile {
	return plan.Compile{
		Name: "app", Dir: dir, Package: pkg, Work: "off",
		Flags: []string{"-trimpath", "-buildvcs=false", "-mod=readonly"},
		Env: []string{"CGO_ENABLED=0", "GOAMD64=v1", "GOARCH=amd64", "GOENV=off", "GOEXPERIMENT=",
			"GOFLAGS=", "GOOS=linux", "GOTOOLCHAIN=local"},
	}
}

// build runs the link step of c in the context root and returns the binary's path.
func build(ctx context.Context, t *testing.T, tool Tool, root string, c plan.Compile) (string, error) {
	t.Helper()
	paths := plan.Paths{Context: root, Out: filepath.Join(t.TempDir(), c.Name)}
	argv, err := plan.Argv(plan.Link, c, paths)
	if err != nil {
		t.Fatal(err)
	}
	_, err = tool.Run(ctx, Command{Argv: argv, Env: plan.Environ(c, paths), Dir: filepath.Join(root, c.Dir), Context: root})
	return paths.Out, err
}

const hello = "package main\n\nfunc main() { println(\"hello\") }\n"

func TestFind(t *testing.T) {
	tool := host(t)
	if _, err := os.Stat(tool.bin()); err != nil {
		t.Error(err)
	}
	if tool.Version == "" || strings.HasPrefix(tool.Version, "go") {
		t.Errorf("Version = %q, want it without the go prefix", tool.Version)
	}
	for _, kv := range tool.Ambient {
		if name, _, _ := strings.Cut(kv, "="); !slices.Contains(plan.Ambient(), name) {
			t.Errorf("ambient %s is not in the plan's set", kv)
		}
	}
	if !slices.IsSorted(tool.Ambient) {
		t.Error("ambient set is not sorted")
	}
	if _, err := Find(t.Context(), []string{"PATH=" + t.TempDir()}); !errors.Is(err, ErrNotFound) {
		t.Errorf("without go on PATH: %v, want ErrNotFound", err)
	}
}

// The user's `go env -w` decides where modules come from, as for any go command,
// and nothing else; also where the go command on PATH is a link, or a program that starts one.
func TestFindReadsUserConfig(t *testing.T) {
	want := host(t)
	config := tree(t, map[string]string{"env": "GOPRIVATE=git.example.com\nGOPROXY=https://proxy.example.com\nGOFLAGS=-nosuchflag\nGOAMD64=v4\nGOROOT=/nonexistent\nGOEXPERIMENT=nosuchexperiment\n"})
	link := t.TempDir()
	if err := os.Symlink(want.bin(), filepath.Join(link, exe("go"))); err != nil {
		t.Fatal(err)
	}
	script := tree(t, map[string]string{"go": "#!/bin/sh\nexec " + want.bin() + ` "$@"`})
	if err := os.Chmod(filepath.Join(script, "go"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Dir(want.bin()), link, script} {
		environ := append(os.Environ(), "PATH="+path+":/usr/bin:/bin", "GOENV="+filepath.Join(config, "env"), "GOPROXY=", "GOFLAGS=-worse", "GOROOT=/elsewhere")
		tool, err := Find(t.Context(), environ)
		if err != nil {
			t.Fatal(err)
		}
		if tool.Root != want.Root || tool.Version != want.Version {
			t.Errorf("%s: toolchain %s %s, want %s %s", path, tool.Root, tool.Version, want.Root, want.Version)
		}
		for _, want := range []string{"GOPRIVATE=git.example.com", "GONOSUMDB=git.example.com", "GOPROXY=https://proxy.example.com"} {
			if !slices.Contains(tool.Ambient, want) {
				t.Errorf("%s: ambient set lacks %s: %q", path, want, tool.Ambient)
			}
		}
	}
}

// A variable of the host that would change the binary does not reach it.
func TestHostileHost(t *testing.T) {
	root := tree(t, map[string]string{
		"ctx/go.mod": "module example.com/hello\n\ngo 1.26\n", "ctx/main.go": hello,
		"go.work": "go 1.26\n\nuse ./other\n", "other/go.mod": "module example.com/other\n\ngo 1.26\n",
		"env": "GOFLAGS=-tags=evil\nGOAMD64=v4\nGOEXPERIMENT=nosuchexperiment\n",
	})
	want, err := build(t.Context(), t, host(t), filepath.Join(root, "ctx"), compile(".", "."))
	if err != nil {
		t.Fatal(err)
	}
	hostile := []string{
		"GOFLAGS=-ldflags=-X=main.x=y", "GOAMD64=v3", "GOENV=" + filepath.Join(root, "env"), "GODEBUG=panicnil=1",
		"GOWORK=" + filepath.Join(root, "go.work"), "GOEXPERIMENT=nogreenteagc", "GOROOT=/nonexistent", "GOARCH=arm64",
		"CGO_ENABLED=1", "GOTOOLCHAIN=go1.99.0", "GO_EXTLINK_ENABLED=1", "GO111MODULE=off", "GOFIPS140=latest",
	}
	for _, kv := range hostile {
		name, value, _ := strings.Cut(kv, "=")
		t.Setenv(name, value)
	}
	got, err := build(t.Context(), t, host(t), filepath.Join(root, "ctx"), compile(".", "."))
	if err != nil {
		t.Fatal(err)
	}
	a, errA := os.ReadFile(want)
	b, errB := os.ReadFile(got)
	if err := errors.Join(errA, errB); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a, b) {
		t.Error("a hostile environment changed the binary")
	}
}

func TestMessages(t *testing.T) {
	root := tree(t, map[string]string{
		"svc/go.mod":     "module example.com/svc\n\ngo 1.26\n\nrequire example.com/lib v0.0.0\n\nreplace example.com/lib => ../lib\n",
		"svc/main.go":    "package main\n\nimport \"example.com/lib\"\n\nfunc main() { lib.F() }\n",
		"svc/bad/bad.go": "package main\n\nfunc main() { undefined() }\n",
		"lib/go.mod":     "module example.com/lib\n\ngo 1.26\n",
		"lib/lib.go":     "package lib\n\nfunc F() { return 1 }\n",
		"mod/go.mod":     "module example.com/mod\n\nnonsense\n",
		"mod/main.go":    hello,
	})
	for _, test := range []struct{ name, dir, pkg, want, not string }{
		{"own package", "svc", "./bad", "svc/bad/bad.go:3:15: undefined: undefined", "./bad"},
		{"module beside", "svc", ".", "lib/lib.go:3:19: too many return values", "../lib"},
		{"missing package", "svc", "./nosuch", "svc/nosuch", ""},
		{"bad go.mod", "mod", ".", "mod/go.mod:3: unknown directive: nonsense", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := build(t.Context(), t, host(t), root, compile(test.dir, test.pkg))
			failed, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("error %v, want an *Error", err)
			}
			if n := strings.Count(err.Error(), test.want); n != 1 {
				t.Errorf("message names %q %d times, want once:\n%v", test.want, n, err)
			}
			if strings.Contains(failed.Output, root) || test.not != "" && strings.Contains(failed.Output, test.not) {
				t.Errorf("message names a path that the user does not know:\n%s", failed.Output)
			}
		})
	}
}

func TestCgoOnly(t *testing.T) {
	root := tree(t, map[string]string{
		"go.mod":              "module example.com/svc\n\ngo 1.26\n",
		"main.go":             "package main\n\nimport \"example.com/svc/db\"\n\nfunc main() { db.Open() }\n",
		"db/db.go":            "package db\n\nimport \"example.com/svc/sqlite\"\n\nfunc Open() { sqlite.Open() }\n",
		"sqlite/sqlite.go":    "package sqlite\n\nimport \"C\"\n\nfunc Open() {}\n",
		"direct/main.go":      "package main\n\nimport \"C\"\n\nfunc main() {}\n",
		"windows/main.go":     "package main\n\nimport _ \"example.com/svc/registry\"\n\nfunc main() {}\n",
		"registry/r_plan9.go": "package registry\n",
	})
	for _, test := range []struct {
		pkg   string
		chain []string
	}{
		{".", []string{"example.com/svc", "example.com/svc/db", "example.com/svc/sqlite"}},
		{"./direct", []string{"example.com/svc/direct"}},
		{"./windows", nil},
	} {
		t.Run(test.pkg, func(t *testing.T) {
			_, err := build(t.Context(), t, host(t), root, compile(".", test.pkg))
			if err == nil {
				t.Fatal("build succeeded")
			}
			cgo, ok := errors.AsType[*CgoError](err)
			if !ok && test.chain == nil {
				return
			}
			if !ok || !slices.Equal(cgo.Chain, test.chain) {
				t.Fatalf("error %v, want the chain %q", err, test.chain)
			}
			if !strings.Contains(err.Error(), "Dockerfile") || !strings.Contains(err.Error(), test.chain[0]) {
				t.Errorf("message does not help: %v", err)
			}
		})
	}
}
