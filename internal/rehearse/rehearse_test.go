//go:build unix

package rehearse

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/plimsoll-build/plimsoll/internal/cgroup"
	"github.com/plimsoll-build/plimsoll/internal/hook"
	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// TestMain lets the test binary stand in for a service: a Go program that does what its
// arguments say.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "service" {
		switch os.Args[2] {
		case "exit0":
			os.Exit(0)
		case "exit3":
			os.Exit(3)
		case "listen": // on a port that only the privileged may take
			if _, err := net.Listen("tcp4", ":80"); err != nil {
				os.Exit(3)
			}
			os.Exit(0)
		case "die":
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		time.Sleep(time.Hour)
	}
	os.Exit(m.Run())
}

// machine is a tree with a cgroup v2 of these limits.
func machine(memory, cpu string) fstest.MapFS {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text + "\n")} }
	return fstest.MapFS{
		"proc/self/mountinfo":         file("30 23 0:26 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw"),
		"proc/self/cgroup":            file("0::/"),
		"sys/fs/cgroup/memory.max":    file(memory),
		"sys/fs/cgroup/memory.events": file("oom_kill 0"),
		"sys/fs/cgroup/memory.peak":   file("8388608"),
		"sys/fs/cgroup/cpu.max":       file(cpu),
	}
}

func gvisor() fstest.MapFS {
	m := machine("max", "max 100000")
	m["proc/self/mountinfo"] = &fstest.MapFile{Data: []byte("30 23 0:26 / /sys/fs/cgroup/job ro - cgroup cgroup rw,job\n")}
	return m
}

// service is a rehearsal of the test binary.
func service(t *testing.T, does string, edit func(*plan.Rehearsal)) plan.Rehearsal {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r := plan.Rehearsal{
		Argv: []string{self, "service", does}, Env: []string{"GOMEMLIMIT=67108864", "GODEBUG=http2client=0"}, Dir: t.TempDir(),
		UID: os.Getuid(), GID: os.Getgid(), For: time.Minute, Expect: plan.ExpectReady, MemoryMax: 128 << 20, CPUMax: 1500,
	}
	if does == "stay" {
		r.For = 200 * time.Millisecond
	}
	if edit != nil {
		edit(&r)
	}
	return r
}

func TestOutcomes(t *testing.T) {
	fits := machine("134217728", "150000 100000")
	exit0 := func(r *plan.Rehearsal) { r.Expect = plan.ExpectExit0 }
	for _, c := range []struct {
		name, does string
		machine    fstest.MapFS
		edit       func(*plan.Rehearsal)
		want       Outcome
		says       string
	}{
		{"ready", "stay", fits, nil, Passed, "alive after"},
		{"an early end", "exit0", fits, nil, Ended, "exit code 0 after"},
		{"an early failure", "exit3", fits, nil, Failed, "exit code 3 after"},
		{"an end", "exit0", fits, exit0, Passed, "exit code 0 after"},
		{"a failure", "exit3", fits, exit0, Failed, "exit code 3"},
		{"no end", "stay", fits, exit0, Late, "did not end within 200ms"},
		{"killed, and not by the kernel for memory", "die", fits, nil, Failed, "exit code 137"},
		{"no program", "", fits, func(r *plan.Rehearsal) { r.Argv = []string{"/nowhere/svc"} }, NotStarted, "no such file"},
		{"no command", "", fits, func(r *plan.Rehearsal) { r.Argv = nil }, NotStarted, "no entrypoint"},
		{"not in PATH", "", fits, func(r *plan.Rehearsal) { r.Argv, r.Env = []string{"svc"}, []string{"PATH=/nowhere"} }, NotStarted, "svc"},
		{"no working directory", "exit0", fits, func(r *plan.Rehearsal) { r.Dir = "/nowhere" }, NotStarted, "/nowhere"},
		{"no memory limit", "exit0", machine("max", "150000 100000"), nil, NoLimits, "has not applied"},
		{"a laxer memory limit", "exit0", machine("134221824", "150000 100000"), nil, NoLimits, "has not applied"},
		{"no CPU limit", "exit0", machine("134217728", "max 100000"), nil, NoLimits, "has not applied"},
		{"nothing to read", "exit0", fstest.MapFS{}, nil, NoLimits, "unknown"},
		{"nothing to read and nothing declared", "exit0", fstest.MapFS{}, func(r *plan.Rehearsal) { exit0(r); r.MemoryMax, r.CPUMax = 0, 0 }, Passed, "exit code 0"},
		{"gVisor", "exit0", gvisor(), nil, Emulated, "gVisor"},
		{"v1 where v2 is demanded", "exit0", gvisor(), func(r *plan.Rehearsal) { r.MemoryMax, r.CPUMax, r.Cgroup2 = 0, 0, true }, NoCgroup2, "version 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			r := service(t, c.does, c.edit)
			got := run(r, c.machine, &out)
			if got != c.want || !strings.Contains(out.String(), c.says) {
				t.Errorf("outcome %d, want %d\n%s", got, c.want, &out)
			}
			if got.Skipped() != (c.want >= NoLimits) || !got.Known() {
				t.Errorf("outcome %d: skipped %t, known %t", got, got.Skipped(), got.Known())
			}
		})
	}
}

// TestKilled: the verdict needs both the signal and the kernel's own count.
func TestKilled(t *testing.T) {
	r := plan.Rehearsal{Argv: []string{"/svc"}, Expect: plan.ExpectReady, MemoryMax: 64 << 20}
	exit0 := r
	exit0.Expect = plan.ExpectExit0
	for _, c := range []struct {
		name   string
		r      plan.Rehearsal
		lived  bool
		exit   int
		killed bool
		want   Outcome
	}{
		{"by the kernel", r, false, 137, true, Killed},
		{"by the kernel, where an end was expected", exit0, false, 137, true, Killed},
		{"by somebody", r, false, 137, false, Failed},
		{"a child of a service that goes on", r, true, 137, true, Passed},
		{"a child of a service that then ends", r, false, 1, true, Failed},
		{"none", exit0, false, 0, false, Passed},
	} {
		if got := Judge(c.r, c.lived, c.exit, c.killed); got != c.want {
			t.Errorf("%s: outcome %d, want %d", c.name, got, c.want)
		}
	}
	if text := Killed.Explain(r); !strings.Contains(text, "137") || !strings.Contains(text, "64MiB") || Killed.Key() != "runtime.memory.max" {
		t.Errorf("%s at %s", text, Killed.Key())
	}
}

// TestReport: what the service says of itself is in the table, and not among its own words.
func TestReport(t *testing.T) {
	var out, own bytes.Buffer
	l := &lines{out: &own}
	for _, part := range []string{"hello\nSCHED 0ms: gomax", "procs=3 idleprocs=1\nSCHEDULED\n", hook.Options{Percent: 90}.Marker() + " /x=1 GOMEMLIMIT 9\nSCHED 1000ms: gomaxprocs=4 x\nend"} {
		if _, err := io.WriteString(l, part); err != nil {
			t.Fatal(err)
		}
	}
	l.end()
	if own.String() != "hello\nSCHEDULED\nend\n" || l.procs != "4" || l.hook != "/x=1 GOMEMLIMIT 9" {
		t.Errorf("%q, procs %q, hook %q", &own, l.procs, l.hook)
	}
	v := cgroup.Read(machine("134217728", "150000 100000"))
	r := plan.Rehearsal{Argv: []string{"/svc", "--x"}, Env: []string{"GOMEMLIMIT=1", "GOMEMLIMIT=104857600"}, MemoryMax: 128 << 20}
	sighting{before: v, after: v, procs: "2", resident: 5 << 20, ended: "alive after 2s"}.write(&out, r)
	sighting{before: v, after: v, hook: l.hook}.write(&out, r)
	for _, part := range []string{"v2, read-only at /sys/fs/cgroup", "128MiB, declared 128MiB", "1.5 CPUs, declared none", "GOMAXPROCS   2\n", "100MiB, from the environment", "5MiB resident, 8MiB of", "by the start-up hook: /x=1 GOMEMLIMIT 9"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("no %q in\n%s", part, &out)
		}
	}
}

// TestLongLine: a service that prints no line break does not fill the memory.
func TestLongLine(t *testing.T) {
	var out bytes.Buffer
	l := &lines{out: &out}
	for range 3 {
		if _, err := l.Write(make([]byte, maxLine)); err != nil || len(l.rest) > maxLine {
			t.Fatalf("%v, %d bytes kept", err, len(l.rest))
		}
	}
	if l.end(); out.Len() != 3*maxLine+1 {
		t.Errorf("%d bytes came out", out.Len())
	}
}

func TestAsking(t *testing.T) {
	for _, c := range [][2]string{
		{"A=1", "A=1 GODEBUG=" + asked + " PLIMSOLL_DEBUG=1"},
		{"GODEBUG=", "GODEBUG=" + asked + " PLIMSOLL_DEBUG=1"},
		{"PLIMSOLL_DEBUG=0 GODEBUG=x=1", "GODEBUG=x=1," + asked + " PLIMSOLL_DEBUG=1"},
	} {
		if got := strings.Join(asking(strings.Fields(c[0])), " "); got != c[1] {
			t.Errorf("%s: %s, want %s", c[0], got, c[1])
		}
	}
}

func TestCommand(t *testing.T) {
	request, err := json.Marshal(service(t, "exit3", func(r *plan.Rehearsal) { r.MemoryMax, r.CPUMax = 0, 0 }))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if code := Command([]string{string(request)}, &out); code != int(Failed) || !strings.Contains(out.String(), "exit code 3") {
		t.Errorf("exit code %d\n%s", code, &out)
	}
	for _, args := range [][]string{nil, {"{"}, {string(request), "x"}} {
		if code := Command(args, io.Discard); code != usage {
			t.Errorf("%q: exit code %d", args, code)
		}
	}
}
