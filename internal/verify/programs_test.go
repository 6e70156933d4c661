package verify_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// recipe is how one of the tests' Go programs is built.
type recipe struct {
	module, goLine string
	files          map[string]string
	env, flags     []string
}

const hello = "package main\n\nimport \"os\"\n\nfunc main() { os.Stdout.WriteString(\"hello\\n\") }\n"

var (
	stripped = []string{"-ldflags=-s -w"}
	amd64    = []string{"GOARCH=amd64"}
	plain    = map[string]string{"main.go": hello}
)

// recipes are the programs by name; each is built once in a test run.
var recipes = map[string]recipe{
	"good":    {"example.com/orders", "1.26", plain, amd64, stripped},
	"arm64":   {"example.com/orders", "1.26", plain, []string{"GOARCH=arm64"}, stripped},
	"v3":      {"example.com/orders", "1.26", plain, []string{"GOARCH=amd64", "GOAMD64=v3"}, stripped},
	"pie":     {"example.com/orders", "1.26", plain, amd64, []string{"-ldflags=-s -w", "-buildmode=pie"}},
	"go 1.24": {"example.com/orders", "1.24", plain, amd64, stripped},
	// A symbol of assembly has no package in its name: this is what cgo's own look like.
	"cgo": {"example.com/orders", "1.26", map[string]string{
		"main.go": "package main\n\nfunc call()\n\nfunc main() { call() }\n",
		"asm.s":   "TEXT ·call(SB), 4, $0-0\n\tCALL x_cgo_init_here(SB)\n\tRET\n\nTEXT x_cgo_init_here(SB), 4, $0-0\n\tRET\n",
	}, amd64, stripped},
	"automaxprocs":     automaxprocs("v1.4.0"),
	"new automaxprocs": automaxprocs("v1.6.0"),
	"host paths":       {"example.com/orders", "1.26", plain, amd64, []string{"-ldflags=-s -w", "-trimpath=false"}},
	"coverage":         {"example.com/orders", "1.26", plain, amd64, []string{"-ldflags=-s -w", "-cover"}},
	"fips":             {"example.com/orders", "1.26", plain, []string{"GOARCH=amd64", "GOFIPS140=latest"}, stripped},
	"unoptimized":      {"example.com/orders", "1.26", plain, amd64, []string{"-ldflags=-s -w", "-gcflags=-N -l"}},
	"older language":   {"example.com/orders", "1.26", plain, amd64, []string{"-ldflags=-s -w", "-gcflags=-lang=go1.21"}},
	// The race detector itself needs cgo; its functions are what is looked for.
	"race": {"example.com/orders", "1.26", map[string]string{
		"main.go": "package main\n\nimport _ \"unsafe\"\n\n//go:linkname read runtime.raceread\n//go:noinline\nfunc read() { println(1) }\n\nfunc main() { read() }\n",
	}, amd64, stripped},
	"real race": {"example.com/orders", "1.26", plain, []string{"GOARCH=amd64", "CGO_ENABLED=1"}, []string{"-ldflags=-s -w", "-race"}},
	"asan":      {"example.com/orders", "1.26", plain, []string{"GOARCH=amd64", "CGO_ENABLED=1"}, []string{"-ldflags=-s -w", "-asan"}},
	// The memory sanitizer needs clang; its functions are what is looked for.
	"msan": {"example.com/orders", "1.26", map[string]string{
		"main.go": "package main\n\nimport _ \"unsafe\"\n\n//go:linkname read runtime.msancall\n//go:noinline\nfunc read() { println(1) }\n\nfunc main() { read() }\n",
	}, amd64, stripped},
	"frozen fips": {"example.com/orders", "1.26", map[string]string{
		"main.go": "package main\n\nimport \"crypto/sha256\"\n\nfunc main() { println(sha256.Sum256(nil)[0]) }\n",
	}, []string{"GOARCH=amd64", "GOFIPS140=v1.0.0"}, stripped},
	"experiment": {"example.com/orders", "1.26", plain, []string{"GOARCH=amd64", "GOEXPERIMENT=jsonv2"}, []string{"-ldflags=-s -w", "-tags=netgo"}},
	"debuggable": {"example.com/orders", "1.26", plain, amd64, nil},
	"oci cgroups": {"github.com/opencontainers/cgroups", "1.26", map[string]string{
		"main/main.go": "package main\n\nimport \"github.com/opencontainers/cgroups\"\n\nfunc main() { cgroups.New() }\n",
		"cgroup.go":    "package cgroups\n\n//go:noinline\nfunc New() { println(1) }\n",
	}, amd64, []string{"-ldflags=-s -w", "-C=main"}},
	"cgroups v1": {"github.com/containerd/cgroups", "1.26", map[string]string{
		"main/main.go": "package main\n\nimport \"github.com/containerd/cgroups\"\n\nfunc main() { cgroups.New() }\n",
		"cgroup.go":    "package cgroups\n\n//go:noinline\nfunc New() { println(1) }\n",
	}, amd64, []string{"-ldflags=-s -w", "-C=main"}},
	"tls": {"example.com/orders", "1.26", map[string]string{
		"main.go": "package main\n\nimport \"crypto/x509\"\n\nfunc main() { println(x509.SystemCertPool()) }\n",
	}, amd64, stripped},
	"zones": {"example.com/orders", "1.26", map[string]string{
		"main.go": "package main\n\nimport \"time\"\n\nfunc main() { println(time.LoadLocation(\"Europe/Paris\")) }\n",
	}, amd64, stripped},
	"embedded zones": {"example.com/orders", "1.26", map[string]string{
		"main.go": "package main\n\nimport (\n\t\"time\"\n\t_ \"time/tzdata\"\n)\n\nfunc main() { println(time.LoadLocation(\"Europe/Paris\")) }\n",
	}, amd64, stripped},
	"own gomaxprocs": {"example.com/orders", "1.26", map[string]string{
		"main.go": "package main\n\nimport \"runtime\"\n\nfunc init() { runtime.GOMAXPROCS(2) }\n\nfunc main() { println(runtime.GOMAXPROCS(0)) }\n",
	}, amd64, stripped},
	"read gomaxprocs": {"example.com/orders", "1.26", map[string]string{
		"main.go": "package main\n\nimport \"runtime\"\n\nfunc main() { println(runtime.GOMAXPROCS(0)) }\n",
	}, amd64, stripped},
	"own limit": {"example.com/orders", "1.26", map[string]string{
		"main.go": "package main\n\nimport \"runtime/debug\"\n\nfunc init() { debug.SetMemoryLimit(1 << 30) }\n\nfunc main() {}\n",
	}, amd64, stripped},
	"read limit": {"example.com/orders", "1.26", map[string]string{
		"main.go": "package main\n\nimport \"runtime/debug\"\n\nfunc main() { println(debug.SetMemoryLimit(-1)) }\n",
	}, amd64, stripped},
	"automemlimit": {"example.com/orders", "1.26", map[string]string{
		"go.mod":            "module example.com/orders\n\ngo 1.26\n\nrequire github.com/KimMachineGun/automemlimit v0.7.5\n\nreplace github.com/KimMachineGun/automemlimit => ./aml\n",
		"aml/go.mod":        "module github.com/KimMachineGun/automemlimit\n\ngo 1.26\n",
		"aml/memlimit/m.go": "package memlimit\n\nimport (\n\t\"os\"\n\t\"runtime/debug\"\n)\n\n//go:noinline\nfunc Set() { debug.SetMemoryLimit(int64(len(os.Args)) << 30) }\n",
		"main.go":           "package main\n\nimport \"github.com/KimMachineGun/automemlimit/memlimit\"\n\nfunc main() { memlimit.Set() }\n",
	}, amd64, stripped},
	"accounts": {"example.com/orders", "1.26", map[string]string{
		"main.go": "package main\n\nimport \"os/user\"\n\nfunc main() { println(user.Current()) }\n",
	}, amd64, stripped},
	"temporary files": {"example.com/orders", "1.26", map[string]string{
		"main.go": "package main\n\nimport \"os\"\n\nfunc main() { println(os.CreateTemp(\"\", \"orders\")) }\n",
	}, amd64, stripped},
	// A module that this one needs too, so that it is there, with the checksums of this one.
	"with a module": {"example.com/orders", "1.26", map[string]string{
		"go.mod":  "module example.com/orders\n\ngo 1.26.0\n\nrequire golang.org/x/mod " + versionOf("golang.org/x/mod") + "\n",
		"go.sum":  moduleFile("go.sum"),
		"main.go": "package main\n\nimport \"golang.org/x/mod/semver\"\n\nfunc main() { println(semver.IsValid(\"v1.0.0\")) }\n",
	}, amd64, stripped},
	"50 MB": {"example.com/big", "1.26", map[string]string{
		"main.go": "package main\n\nimport (\n\t_ \"embed\"\n\t\"os\"\n)\n\n//go:embed data\nvar data string\n\nfunc main() { os.Stdout.WriteString(data[:len(os.Args)]) }\n",
	}, amd64, stripped},
}

// automaxprocs stands a package at the library's path and version.
func automaxprocs(version string) recipe {
	return recipe{"example.com/orders", "1.26", map[string]string{
		"go.mod":            "module example.com/orders\n\ngo 1.26\n\nrequire go.uber.org/automaxprocs " + version + "\n\nreplace go.uber.org/automaxprocs => ./amp\n",
		"amp/go.mod":        "module go.uber.org/automaxprocs\n\ngo 1.26\n",
		"amp/maxprocs/m.go": "package maxprocs\n\nimport \"runtime\"\n\n//go:noinline\nfunc Set() { runtime.GOMAXPROCS(2) }\n",
		"main.go":           "package main\n\nimport \"go.uber.org/automaxprocs/maxprocs\"\n\nfunc main() { maxprocs.Set() }\n",
	}, amd64, stripped}
}

// moduleFile is a file of this module's root; empty if it cannot be read.
func moduleFile(name string) string {
	data, _ := os.ReadFile(filepath.Join("../..", name))
	return string(data)
}

// versionOf is the version of a module that this one requires.
func versionOf(module string) string {
	_, rest, _ := strings.Cut(moduleFile("go.mod"), "\t"+module+" ")
	version, _, _ := strings.Cut(rest, "\n")
	return version
}

var built sync.Map

// program is the bytes of a recipe's binary.
func program(t testing.TB, name string) []byte {
	t.Helper()
	once, _ := built.LoadOrStore(name, sync.OnceValues(func() ([]byte, error) { return recipes[name].build(name) }))
	data, err := once.(func() ([]byte, error))()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (r recipe) build(name string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "verify")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	files := map[string]string{"go.mod": "module " + r.module + "\n\ngo " + r.goLine + "\n"}
	for path, content := range r.files {
		files[path] = content
	}
	if name == "50 MB" {
		files["data"] = string(noise(49 << 20))
	}
	for path, content := range files {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return nil, err
		}
	}
	out := filepath.Join(dir, "out.bin")
	args := []string{"build"}
	if slices.Contains(r.flags, "-C=main") { // it must be the first
		args = []string{"build", "-C=main"}
	}
	flags := slices.DeleteFunc(slices.Clone(r.flags), func(f string) bool { return f == "-C=main" })
	cmd := exec.Command("go", slices.Concat(args, []string{"-trimpath", "-buildvcs=false", "-o", out}, flags, []string{"."})...)
	cmd.Dir = dir
	cmd.Env = slices.Concat(os.Environ(), []string{"CGO_ENABLED=0", "GOOS=linux", "GOFLAGS=", "GOWORK=off", "GOTOOLCHAIN=local", "GOAMD64=v1"}, r.env)
	if msg, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building %s: %w: %s", name, err, msg)
	}
	return os.ReadFile(out)
}

// noise is n bytes that do not compress, the same in every run.
func noise(n int) []byte {
	data := make([]byte, n)
	state := uint64(88172645463325252)
	for i := range data {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		data[i] = byte(state)
	}
	return data
}
