package cgroup_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/cgroup"
	"github.com/plimsoll-build/plimsoll/internal/cgroup/recorded"
)

// The runtime's own parser cannot be imported, so the program below is made of its
// files with the imports exchanged: they are read from GOROOT, none is kept here.
const (
	oracleMain = `package main

import (
	"encoding/json"
	"os"
)

type answer struct{ Dir string; Version int; Err string }

func reader(s string) func(int, []byte) (int, uintptr) {
	return func(_ int, b []byte) (int, uintptr) {
		n := copy(b, s)
		s = s[n:]
		return n, 0
	}
}

func find(members, mounts string) answer {
	out, scratch := make([]byte, PathSize), make([]byte, ParseSize)
	n, version, err := parseCPUCgroup(0, reader(members), out, scratch)
	if err == nil {
		n, err = parseCPUMount(0, reader(mounts), out, out[:n], version, scratch)
	}
	if err != nil {
		return answer{Err: err.Error()}
	}
	return answer{Dir: string(out[:n]), Version: int(version)}
}

func main() {
	var questions [][2]string
	if err := json.NewDecoder(os.Stdin).Decode(&questions); err != nil {
		panic(err)
	}
	answers := []answer{}
	for _, q := range questions {
		answers = append(answers, find(q[0], q[1]))
	}
	json.NewEncoder(os.Stdout).Encode(answers)
}

func throw(s string) { panic(s) }
`
	oracleBytes = `package bytealg

import "bytes"

func IndexByte(b []byte, c byte) int { return bytes.IndexByte(b, c) }
func Compare(a, b []byte) int        { return bytes.Compare(a, b) }
func Equal(a, b []byte) bool         { return bytes.Equal(a, b) }
func Count(b []byte, c byte) int     { return bytes.Count(b, []byte{c}) }
`
)

// answer is where the runtime looks for the quota.
type answer struct {
	Dir     string
	Version int
	Err     string
}

// askRuntime gives the runtime's answers for pairs of /proc/self/cgroup and mountinfo.
func askRuntime(t *testing.T, questions [][2]string) []answer {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755), os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"cgroup.go", "line_reader.go"} {
		src, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "src/internal/runtime/cgroup", name))
		if err != nil {
			t.Fatal(err)
		}
		write(name, strings.NewReplacer("package cgroup", "package main", `"internal/bytealg"`, `"oracle/bytealg"`, `"internal/strconv"`, `"strconv"`).Replace(string(src)))
	}
	write("go.mod", "module oracle\n\ngo 1.26\n")
	write("main.go", oracleMain)
	write("bytealg/bytealg.go", oracleBytes)
	in, err := json.Marshal(questions)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "run", ".")
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("running the runtime's parser: %v\n%s", err, &stderr)
	}
	var answers []answer
	if err := json.Unmarshal(out, &answers); err != nil {
		t.Fatal(err)
	}
	return answers
}

// Pairs that no recorded machine has, but that take other ways through the parser.
var odd = [][2]string{
	{"0::/\n", "30 22 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"},
	{"0::/../../init\n", "30 22 0:27 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"},
	{"0::/../../init\n", "30 22 0:27 /.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"},
	{"0::/../x\n", "30 22 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"},
	{"0::/ab\n", "30 22 0:27 /a /a rw - cgroup2 c rw\n31 22 0:27 /ab /b\\040c rw shared:9 - cgroup2 c rw\n"},
	{"0::/a:b:c\n", "30 22 0:27 / /x rw - cgroup2 c rw\n"},
	{"4:cpuset:/no\n3:cpu,cpuacct:/yes\n0::/u\n", "1 1 0:1 / /u rw - cgroup2 c rw\n2 1 0:2 / /v rw - cgroup c rw,cpuset\n3 1 0:3 / /w rw - cgroup c rw,cpu,cpuacct\n"},
	{"3:cpu:/yes\n0::/u\n", "1 1 0:1 / /u rw - cgroup2 c rw\n"},
	{"1:name=systemd:/\n", "1 1 0:1 / /u rw - cgroup2 c rw\n"},
	{"0:/\n", "1 1 0:1 / /u rw - cgroup2 c rw\n"},
	{"", ""},
	{"0::/a/b\n", "1 1 0:1 /a /one rw - cgroup2 c rw\n2 1 0:1 / /two rw - cgroup2 c rw\n"},
	{"0::/ü\n", "1 1 0:1 / /sys\\134x rw - cgroup2 c rw\n"},
}

// TestSameAsRuntime compares where we look for the quota with where the Go runtime of
// this toolchain looks, over all recorded machines and the odd pairs.
func TestSameAsRuntime(t *testing.T) {
	trees := map[string]recorded.Tree{}
	var names []string
	var questions [][2]string
	files, err := filepath.Glob(filepath.Join("..", "doctor", "testdata", "*.txtar"))
	if err != nil || len(files) < 20 {
		t.Fatalf("%d recorded machines: %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tree, _ := recorded.Parse(data)
		trees[file] = tree
		names = append(names, file)
		questions = append(questions, [2]string{text(tree, "proc/self/cgroup"), text(tree, "proc/self/mountinfo")})
	}
	for _, q := range odd {
		name := q[0] + q[1]
		tree, _ := recorded.Parse(nil)
		tree.MapFS["proc/self/cgroup"] = file(q[0])
		tree.MapFS["proc/self/mountinfo"] = file(q[1])
		trees[name], names, questions = tree, append(names, name), append(questions, q)
	}
	for i, a := range askRuntime(t, questions) {
		q := cgroup.Read(trees[names[i]]).MaxProcs(8).Quota
		want := ""
		if a.Err == "" {
			want = a.Dir + map[int]string{1: "/cpu.cfs_quota_us", 2: "/cpu.max"}[a.Version]
		}
		if q.File != want {
			t.Errorf("%s: we read %q, the runtime reads %q (%s)", names[i], q.File, want, a.Err)
		}
	}
}

func text(fsys fs.FS, name string) string {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return ""
	}
	return string(data)
}

// TestThisProcess holds what we say of this machine against what the runtime of this
// test took at its start.
func TestThisProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // nothing to hold it against
	}
	v := cgroup.Read(os.DirFS("/"))
	if v.Err != nil {
		t.Fatal(v.Err)
	}
	if v.Mode == cgroup.ModeUnknown {
		t.Error("the mode is unknown although mountinfo was read")
	}
	if got := len(v.CPU.Allowed); got != runtime.NumCPU() {
		t.Errorf("%d CPUs in /proc/self/status, %d in the affinity mask", got, runtime.NumCPU())
	}
	if os.Getenv("GOMAXPROCS") == "" {
		if got := v.MaxProcs(runtime.NumCPU()); got.Go != runtime.GOMAXPROCS(0) {
			t.Errorf("GOMAXPROCS %d (%s), the runtime took %d", got.Go, got.Why, runtime.GOMAXPROCS(0))
		}
	}
}
