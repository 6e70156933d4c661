package liverun

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll-build/plimsoll/internal/cgroup"
	"github.com/plimsoll-build/plimsoll/internal/cgroup/recorded"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

// v2Group is a group of v2 with 512 MiB and 2.5 of 8 CPUs, as a recorded tree.
const v2Group = `
-- proc/self/mountinfo --
30 23 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup rw
-- proc/self/cgroup --
0::/
-- proc/self/status --
Cpus_allowed_list:	0-7
-- sys/fs/cgroup/memory.max --
536870912
-- sys/fs/cgroup/memory.high --
max
-- sys/fs/cgroup/cpu.max --
250000 100000
`

// seen is a run in which all is as labelled; edit breaks it.
func seen(edit func(*Observation)) Observation {
	tree, _ := recorded.Parse([]byte(v2Group))
	v := cgroup.Read(tree)
	o := Observation{
		Runtime: "runc", Lived: true, Waited: 2 * time.Second, MaxProcs: 3, Asked: Limits{Memory: 512 << 20, MilliCPUs: 2500},
		Process: &Process{Env: []string{"GOMEMLIMIT=483183820"}, UID: 65532, GID: 65532, Root: "ro", Holds: []string{"/sys/fs/cgroup/cpu.max"},
			Group: v, Inside: v.Mounts, Private: true, Peak: 9 << 20},
	}
	edit(&o)
	return o
}

func TestJudge(t *testing.T) {
	auto := map[string]string{tuning.LabelMemLimit: "auto:90%"}
	hook := func(line string) func(*Observation) {
		return func(o *Observation) { o.Process.Env, o.Hook = nil, hookPrefix+"v1 percent=90: "+line }
	}
	for _, test := range []struct {
		name          string
		edit          func(*Observation)
		labels        map[string]string
		fails         string // Where of each, joined
		warn, unknown string
	}{
		{name: "as labelled", edit: func(*Observation) {}},
		{name: "eight CPUs", edit: func(o *Observation) { o.MaxProcs = 8 }, fails: "run GOMAXPROCS"},
		{name: "no quota held", edit: func(o *Observation) { o.Process.Holds = nil }, fails: "run GOMAXPROCS"},
		{name: "GOMAXPROCS in the environment", edit: func(o *Observation) { o.Process.Env = append(o.Process.Env, "GOMAXPROCS=3") }, fails: "run GOMAXPROCS"},
		{name: "labelled number", edit: func(*Observation) {}, labels: map[string]string{tuning.LabelMaxProcs: "4"}, fails: "run GOMAXPROCS"},
		{name: "labelled default", edit: func(o *Observation) { o.MaxProcs, o.Process.Holds = 8, nil }, labels: map[string]string{tuning.LabelMaxProcs: "default"}},
		{name: "no GOMEMLIMIT", edit: func(o *Observation) { o.Process.Env = nil }, fails: "run GOMEMLIMIT"},
		{name: "fatal GOMEMLIMIT", edit: func(o *Observation) { o.Process.Env = []string{"GOMEMLIMIT=1G"} }, fails: "run GOMEMLIMIT"},
		{name: "GOMEMLIMIT at the limit", edit: func(o *Observation) { o.Process.Env = []string{"GOMEMLIMIT=512MiB"} }, labels: map[string]string{tuning.LabelMemLimit: "536870912"}, fails: "run GOMEMLIMIT"},
		{name: "off, labelled off", edit: func(o *Observation) { o.Process.Env = nil }, labels: map[string]string{tuning.LabelMemLimit: "off"}},
		{name: "set, labelled off", edit: func(*Observation) {}, labels: map[string]string{tuning.LabelMemLimit: "off"}, fails: "run GOMEMLIMIT"},
		{name: "hook", edit: hook("/sys/fs/cgroup/memory.max 536870912, GOMEMLIMIT 483183820"), labels: auto},
		{name: "hook silent", edit: func(o *Observation) { o.Process.Env = nil }, labels: auto, fails: "run GOMEMLIMIT"},
		{name: "hook found nothing", edit: hook("no memory limit found, GOMEMLIMIT stays off: none"), labels: auto, fails: "run GOMEMLIMIT"},
		{name: "hook over the limit", edit: hook("GOMEMLIMIT 600000000"), labels: auto, fails: "run GOMEMLIMIT"},
		{name: "hook says something else", edit: hook("hello"), labels: auto, unknown: "names no limit"},
		{name: "hook replaced", edit: func(*Observation) {}, labels: auto, fails: "run GOMEMLIMIT"},
		{name: "another user", edit: func(o *Observation) { o.Process.UID = 0 }, fails: "run user"},
		{name: "a user that is not mapped", edit: func(o *Observation) { o.Process.UID = unmapped }, unknown: "has no number for it"},
		{name: "writable root", edit: func(o *Observation) { o.Process.Root = "rw" }, warn: "run root"},
		{name: "nothing mounted inside", edit: func(o *Observation) { o.Process.Inside = nil }, fails: "run cgroup"},
		{name: "v1, labelled v2", edit: func(o *Observation) { o.Process.Group.Mode = cgroup.ModeV1 }, labels: map[string]string{tuning.LabelCgroup: "v2"}, fails: "run cgroup"},
		{name: "limit not applied", edit: func(o *Observation) { o.Process.Group.Memory.Max = cgroup.Reading{File: "/x", Unlimited: true} }, unknown: "memory limit of 512MiB was not applied"},
		{name: "quota not applied", edit: func(o *Observation) { o.Asked.MilliCPUs = 1000 }, unknown: "limit of 1 CPUs was not applied"},
		{name: "memory.high not applied", edit: func(o *Observation) { o.Asked.High = 400 << 20 }, warn: "run memory.high"},
		{name: "GOGC", edit: func(o *Observation) { o.Process.Env = append(o.Process.Env, "GOGC=50") }, labels: map[string]string{tuning.LabelGOGC: "100"}, fails: "run env GOGC"},
		{name: "updates off", edit: func(o *Observation) { o.Process.Env = append(o.Process.Env, "GODEBUG=updatemaxprocs=0") }, fails: "run env GODEBUG"},
		{name: "killed", edit: func(o *Observation) { o.Lived, o.Exit = false, 137 }, fails: "run"},
		{name: "failed", edit: func(o *Observation) { o.Lived, o.Exit, o.Log = false, 2, "panic: no" }, fails: "run"},
		{name: "ended well", edit: func(o *Observation) { o.Lived = false }, warn: "run"},
		{name: "not seen", edit: func(o *Observation) { o.Process = nil }, unknown: "not seen in /proc"},
		{name: "no trace", edit: func(o *Observation) { o.MaxProcs = 0 }, unknown: "no GOMAXPROCS"},
		{name: "metrics", edit: func(o *Observation) { o.Metrics = map[string]float64{metricMaxProcs: 3, metricMemLimit: 483183820} }},
		{name: "other metrics", edit: func(o *Observation) { o.Metrics = map[string]float64{metricMaxProcs: 2, metricMemLimit: 1 << 20} }, fails: "run metric " + metricMemLimit + " run metric " + metricMaxProcs},
		{name: "no metrics", edit: func(o *Observation) { o.MetricsErr = errors.New("connection refused") }, unknown: "connection refused"},
	} {
		t.Run(test.name, func(t *testing.T) {
			labels := map[string]string{tuning.LabelMemLimit: "483183820", tuning.LabelMaxProcs: "auto", tuning.LabelCgroup: "any"}
			for k, v := range test.labels {
				labels[k] = v
			}
			f := Judge(seen(test.edit), labels, "65532:65532")
			if got := where(f.Fails); got != test.fails {
				t.Errorf("fails %+v, want %q", f.Fails, test.fails)
			}
			if got := where(f.Warns); got != test.warn {
				t.Errorf("warns %+v, want %q", f.Warns, test.warn)
			}
			if got := strings.Join(f.Unknowns, "; "); (test.unknown == "") != (got == "") || !strings.Contains(got, test.unknown) {
				t.Errorf("unknown %q, want %q", got, test.unknown)
			}
			if f.Summary == "" {
				t.Error("no summary")
			}
		})
	}
}

func where(found []Finding) string {
	var words []string
	for _, f := range found {
		words = append(words, f.Where)
	}
	slices.Sort(words)
	return strings.Join(slices.Compact(words), " ")
}

// A foreign image says nothing, so that only its life is judged.
func TestJudgeForeign(t *testing.T) {
	o := seen(func(o *Observation) { o.MaxProcs, o.Process.Env, o.Process.Holds = 0, nil, nil })
	if f := Judge(o, nil, ""); where(f.Fails) != "run user" || len(f.Unknowns) > 0 {
		t.Errorf("%+v", f)
	}
	if f := Judge(o, nil, "service"); len(f.Fails)+len(f.Unknowns) > 0 {
		t.Errorf("%+v", f)
	}
}

func TestReadLog(t *testing.T) {
	var torn Observation
	torn.read("SCHED 0ms: gomaxprocs=plimsoll.memlimit/v1 x: GOMEMLIMIT 7\n4 idleprocs=1 threads=4\nhello\n")
	if torn.MaxProcs != 4 || !strings.HasSuffix(torn.Hook, "GOMEMLIMIT 7") || torn.Log != "hello" {
		t.Errorf("%+v", torn)
	}
	var o Observation
	o.read("SCHED 0ms: gomaxprocs=2 idleprocs=1 threads=4\nhello\nSCHED 1: gomaxprocs=x\nplimsoll.memlimit/v1 x: GOMEMLIMIT 5\r\nSCHED 250ms: gomaxprocs=3 idleprocs=1 threads=4\n" + strings.Repeat("z", 3000))
	if o.MaxProcs != 3 || !strings.HasSuffix(o.Hook, "GOMEMLIMIT 5") || len(o.Log) > tail+4 || strings.Contains(o.Log, "gomaxprocs=3") {
		t.Errorf("%+v", o)
	}
}

// A hostile log costs no more than it is long.
func TestReadHostileLog(t *testing.T) {
	for _, line := range []string{hookPrefix + "\n", "x" + hookPrefix + "\n", "SCHED 0ms: gomaxprocs=2 \n", "\n", hookPrefix} {
		log := strings.Repeat(line, 256<<10/len(line))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var o Observation
		o.read(log)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 64*uint64(len(log)) {
			t.Errorf("%q: %d bytes for %d", line, n, len(log))
		}
		if len(o.Log)+len(o.Hook) > 3*tail {
			t.Errorf("%q: keeps %d and %d bytes", line, len(o.Log), len(o.Hook))
		}
	}
}

func TestEnvironment(t *testing.T) {
	env := environ([]string{"A=1", "GODEBUG=x=1", "SECRET", "*", "=C:", "B=2"}, []string{"A=3", "GOMAXPROCS=1"})
	if got := strings.Join(env, " "); got != "GODEBUG=x=1 B=2 A=3 GOMAXPROCS=1" {
		t.Error(got)
	}
	for _, env := range [][]string{env, {"A=1"}, {"GODEBUG="}, nil} {
		w := watched(env)
		if value, _ := lookup(w, "GODEBUG"); !strings.HasSuffix(value, trace) || !slices.Contains(w, debugHook) {
			t.Errorf("%q", w)
		}
		for _, v := range unwatched(w) {
			if strings.Contains(v, trace) || v == debugHook {
				t.Errorf("%q is left", v)
			}
		}
	}
}

func TestNumericUser(t *testing.T) {
	for text, want := range map[string][2]uint32{"": {0, 0}, "5": {5, 0}, "65532:7": {65532, 7}} {
		if u, g, err := numericUser(text); err != nil || u != want[0] || g != want[1] {
			t.Errorf("%q: %d %d %v", text, u, g, err)
		}
	}
	for _, text := range []string{"nobody", "1:staff", "-1", "5000000000", "1:"} {
		if _, _, err := numericUser(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestMetricsText(t *testing.T) {
	got, err := samples(strings.NewReader("# HELP a b\na 1.5\nb{x=\"y\"} 2\nc 9.2e+18 1700000000\nd\ne nan-ish\n"))
	if err != nil || got["a"] != 1.5 || got["c"] != 9.2e18 || len(got) != 3 {
		t.Errorf("%v %v", got, err)
	}
	for url, ok := range map[string]bool{"http://127.0.0.1:80/m": true, "http://localhost:1/": true, "http://[::1]:9/": true,
		"https://127.0.0.1:1/": false, "http://127.0.0.1/": false, "http://10.0.0.1:1/": false, "http://localhost.example.com:1/": false, ":": false} {
		if err := CheckMetrics(url); (err == nil) != ok {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestFind(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := find(t.Context(), ""); !errors.Is(err, ErrNoRuntime) || !strings.Contains(err.Error(), "podman: not installed") {
		t.Errorf("%v", err)
	}
	if _, err := find(t.Context(), "lxc"); err == nil || errors.Is(err, ErrNoRuntime) {
		t.Errorf("%v", err)
	}
}
