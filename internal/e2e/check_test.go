package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Names of the vertices that gate an image.
const (
	checks    = "check the root file system"
	rehearses = "rehearse /svc"
)

// eater is a service that takes as many MiB as its argument says, and then goes on or, with a
// second argument, ends with that exit code.
const eater = `
-- plimsoll.yaml --
# syntax=ghcr.io/plimsoll-build/plimsoll:1
apiVersion: plimsoll.build/v1
name: svc
runtime:
  memory:
    max: 96MiB
  cpu: {max: "1.5"}
  rehearse:
    args: ["8"]
    for: 1s
-- go.mod --
module example.com/svc

go 1.26
-- main.go --
package main

import (
	"os"
	"strconv"
	"time"
)

func main() {
	n, _ := strconv.Atoi(os.Args[1])
	memory := make([]byte, n<<20)
	for i := 0; i < len(memory); i += 4096 {
		memory[i] = 1
	}
	println("service: took", n, "MiB as user", os.Getuid())
	if len(os.Args) > 2 {
		code, _ := strconv.Atoi(os.Args[2])
		os.Exit(code)
	}
	time.Sleep(time.Hour)
	println(memory[0])
}
`

// TestRehearsal: the verdict of a rehearsal on a real daemon, under real limits.
func TestRehearsal(t *testing.T) {
	b := bed(t)
	const short = "args: [\"8\"]\n    for: 1s"
	long := func(args, expect string) string {
		return strings.TrimSuffix("args: ["+args+"]\n    for: 5m\n    expect: "+expect, "\n    expect: ")
	}
	for _, c := range []struct {
		name     string
		old, new string
		fails    string // what the error says; empty for success
		line     string
		log      []string // on success
	}{
		{"enough memory", "for: 1s", "for: 2s", "", "", []string{"96MiB, declared 96MiB", "1.5 CPUs, declared 1.5", "GOMAXPROCS", "alive after 2"}},
		// It is killed long before its time: the time is for slow machines.
		{"too little memory", short, long(`"200"`, ""), "exit code 137", "max: 96MiB", nil},
		{"an early end", short, long(`"8", "0"`, ""), "ended before", "args:", nil},
		{"an early failure", short, long(`"8", "3"`, ""), "failed", "args:", nil},
		{"an end that is expected", short, long(`"8", "0"`, "exit0"), "", "", []string{"service: took 8 MiB as user 65532", "exit code 0 after"}},
		{"no end that is expected", `["8"]`, "[\"8\"]\n    expect: exit0", "did not end", "args:", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, dest := unpack(t, eater), filepath.Join(t.TempDir(), "layout")
			edit(t, dir, "plimsoll.yaml", c.old, c.new)
			r := b.Buildx(t, nil, "build", "--progress=plain", "--provenance=false", "-f", dir+"/plimsoll.yaml", "-o", "type=oci,tar=false,dest="+dest, dir)
			if (r.Err == nil) != (c.fails == "") {
				t.Fatalf("%v\n%s", r.Err, r.Stderr)
			}
			for _, part := range c.log {
				has(t, "the log", r.Stderr, part)
			}
			if c.fails == "" {
				return
			}
			failure := r.Stderr[max(0, strings.LastIndex(r.Stderr, "ERROR: ")):]
			has(t, "the error", failure, "rehearsing for linux/amd64")
			has(t, "the error", failure, c.fails)
			marked := slices.ContainsFunc(strings.Split(r.Stderr, "\n"), func(line string) bool {
				return strings.Contains(line, ">>>") && strings.Contains(line, c.line)
			})
			if !marked {
				t.Errorf("no mark at the line with %q:\n%s", c.line, r.Stderr)
			}
			if _, err := os.Stat(filepath.Join(dest, "index.json")); err == nil {
				t.Error("an image was written")
			}
		})
	}
}

// TestRehearsalIsCached: limits are no part of a vertex' key for BuildKit; ours are. And a
// rehearsal changes no byte of the image.
func TestRehearsalIsCached(t *testing.T) {
	b := bed(t)
	dir := unpack(t, eater)
	cache := "type=registry,ref=" + b.Registry.Addr + "/cache/rehearsal:1"
	layout := func() string { return filepath.Join(t.TempDir(), "layout") }
	first := layout()
	_, all := progressOf(t, b, b.Daemon, dir, first, "--cache-to", cache+",mode=max")
	if !all[checks] || !all[rehearses] {
		t.Fatalf("vertices %v", all)
	}
	gates := func(ran map[string]string) []string {
		var out []string
		for _, name := range []string{checks, rehearses} {
			if _, ok := ran[name]; ok {
				out = append(out, name)
			}
		}
		return append(out, execs(ran)...)
	}
	if ran, _ := progressOf(t, b, b.Daemon, dir, layout()); len(gates(ran)) > 0 {
		t.Errorf("nothing changed, and %q ran", gates(ran))
	}
	if ran, _ := progressOf(t, b, b.FreshDaemon(t), dir, layout(), "--cache-from", cache); len(gates(ran)) > 0 {
		t.Errorf("nothing changed, and on a fresh daemon %q ran", gates(ran))
	}
	edit(t, dir, "plimsoll.yaml", `"1.5"`, `"1.25"`)
	ran, _ := progressOf(t, b, b.Daemon, dir, layout())
	if got := gates(ran); !slices.Contains(got, rehearses) || len(execs(ran)) > 0 {
		t.Errorf("another limit ran %q", got)
	}
	has(t, "the rehearsal", ran[rehearses], "1.25 CPUs")

	edit(t, dir, "plimsoll.yaml", `"1.25"`, `"1.5"`)
	edit(t, dir, "plimsoll.yaml", "  rehearse:\n    args: [\"8\"]\n    for: 1s\n", "")
	without := layout()
	progressOf(t, b, b.Daemon, dir, without)
	if got, want := images(t, without)["linux/amd64"], images(t, first)["linux/amd64"]; digestOf(t, got) != digestOf(t, want) {
		t.Error("the image differs by its rehearsal")
	}
}

// TestRehearsalOfAnotherArchitecture: no emulation is a named warning, or an error where the
// build is strict; the image is built all the same.
func TestRehearsalOfAnotherArchitecture(t *testing.T) {
	b := bed(t)
	dir := unpack(t, eater)
	args := []string{"build", "--progress=plain", "--provenance=false", "--platform", "linux/arm64", "-f", dir + "/plimsoll.yaml"}
	dest := filepath.Join(t.TempDir(), "layout")
	r := b.Buildx(t, nil, append(args, "-o", "type=oci,tar=false,dest="+dest, dir)...).Must(t)
	has(t, "the log", r.Stderr, "rehearse-skipped")
	if images(t, dest)["linux/arm64"] == nil {
		t.Error("there is no image")
	}
	r = b.Buildx(t, nil, append(args, "--build-arg", "PLIMSOLL_STRICT=1", dir)...)
	if r.Err == nil {
		t.Error("a strict build left the rehearsal out")
	}
	has(t, "the error", r.Stderr, "rehearse-skipped")
}

// TestRehearsalOfTheEmbeddedEngine: the same verdicts under runc, and nothing is written of an
// image that fails.
func TestRehearsalOfTheEmbeddedEngine(t *testing.T) {
	b := bed(t)
	build := func(args string, flags ...string) (result, string) {
		dir, dest := unpack(t, eater), filepath.Join(t.TempDir(), "svc.oci")
		edit(t, dir, "plimsoll.yaml", "args: [\"8\"]\n    for: 1s", args)
		return plimsoll(t, b, nil, append(append([]string{"build", "-o", "type=oci,tar=false,dest=" + dest}, flags...), dir)...), dest
	}
	r, _ := build(`args: ["8"]`)
	has(t, "the log", r.must(t).stderr, "linux/amd64: rehearsed with runc")
	r, dest := build("args: [\"200\"]\n    for: 5m")
	has(t, "the error", r.stderr, "exit code 137")
	has(t, "the error", r.stderr, "> 6 |     max: 96MiB")
	if _, err := os.Stat(dest); err == nil || r.code == 0 {
		t.Errorf("exit code %d, and the layout: %v", r.code, err)
	}
	r, _ = build(`args: ["8"]`, "--platform", "linux/arm64")
	has(t, "the log", r.must(t).stderr, "rehearse-skipped")
	if r, _ = build(`args: ["8"]`, "--platform", "linux/arm64", "--strict"); r.code == 0 || !strings.Contains(r.stderr, "rehearse-skipped") {
		t.Errorf("a strict build: exit code %d\n%s", r.code, r.stderr)
	}
}

// TestRootIsChecked: what a base brings along keeps an image from being exported.
func TestRootIsChecked(t *testing.T) {
	b := bed(t)
	dir := unpack(t, app)
	edit(t, dir, "plimsoll.yaml", "image:\n", "image:\n  base: example.com/base:1\n")
	base, dest := t.TempDir(), filepath.Join(t.TempDir(), "layout")
	build := func() (string, error) {
		r := b.Buildx(t, nil, "build", "--progress=plain", "--provenance=false", "-f", dir+"/plimsoll.yaml",
			"--build-context", "example.com/base:1="+base, "-o", "type=oci,tar=false,dest="+dest, dir)
		return r.Stderr, r.Err
	}
	group := filepath.Join(base, "sys", "fs", "cgroup")
	if err := os.MkdirAll(group, 0o755); err != nil {
		t.Fatal(err)
	}
	if log, err := build(); err != nil || !strings.Contains(log, "ok    mounts") || !strings.Contains(log, "ok    static    /app") {
		t.Fatalf("%v\n%s", err, log)
	}
	if err := os.RemoveAll(dest); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(group, "memory.max"), []byte("max\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	log, err := build()
	if err == nil {
		t.Fatalf("a base with a memory.max of its own passes\n%s", log)
	}
	has(t, "the log", log, "FAIL  mounts")
	has(t, "the error", log, "does not pass the rule mounts: /sys/fs/cgroup/memory.max")
	has(t, "the error", log, ">>>   base: example.com/base:1")
	if _, err := os.Stat(filepath.Join(dest, "index.json")); err == nil {
		t.Error("an image was written")
	}
}
