package cgroup_test

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll-build/plimsoll/internal/cgroup"
	"github.com/plimsoll-build/plimsoll/internal/cgroup/recorded"
)

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text), Mode: 0o644} }

// tree is a machine of a few lines: "NAME: TEXT" each, \n in the text for a newline.
func tree(lines string) recorded.Tree {
	t, _ := recorded.Parse(nil)
	for line := range strings.Lines(lines) {
		if name, text, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			t.MapFS[name] = file(strings.ReplaceAll(text, `\n`, "\n") + "\n")
		}
	}
	return t
}

const (
	v2Mount = `proc/self/mountinfo: 30 22 0:27 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw` + "\n"
	v1Mount = `proc/self/mountinfo: 31 22 0:28 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n32 22 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory` + "\n"
)

func TestLimits(t *testing.T) {
	for _, test := range []struct {
		name, files string
		max, high   string // FILE VALUE, or a reason
		quota       string
		procs       int
	}{
		{"private", v2Mount + "proc/self/cgroup: 0::/\nsys/fs/cgroup/memory.max: 209715200\nsys/fs/cgroup/memory.high: max\nsys/fs/cgroup/cpu.max: 250000 100000",
			"/sys/fs/cgroup/memory.max 209715200", "unlimited", "/sys/fs/cgroup/cpu.max 2.5", 3},
		{"host namespace", v2Mount + "proc/self/cgroup: 0::/a/b\nsys/fs/cgroup/a/b/memory.max: 100000000\nsys/fs/cgroup/a/b/memory.high: 90000000\nsys/fs/cgroup/a/memory.max: max\nsys/fs/cgroup/a/b/cpu.max: max 100000",
			"/sys/fs/cgroup/a/b/memory.max 100000000", "/sys/fs/cgroup/a/b/memory.high 90000000", "unlimited", 8},
		{"limit of the parent", v2Mount + "proc/self/cgroup: 0::/pod/c\nsys/fs/cgroup/pod/c/memory.max: max\nsys/fs/cgroup/pod/memory.max: 4096\nsys/fs/cgroup/pod/c/cpu.max: max 100000\nsys/fs/cgroup/pod/cpu.max: 200000 100000",
			"/sys/fs/cgroup/pod/memory.max 4096", "no such file", "/sys/fs/cgroup/pod/cpu.max 2", 8},
		{"parent above the leaf", v2Mount + "proc/self/cgroup: 0::/pod/c\nsys/fs/cgroup/pod/c/memory.max: 4096\nsys/fs/cgroup/pod/memory.max: 8192\nsys/fs/cgroup/pod/c/cpu.max: 50000 100000\nsys/fs/cgroup/pod/cpu.max: 200000 100000",
			"/sys/fs/cgroup/pod/c/memory.max 4096", "no such file", "/sys/fs/cgroup/pod/c/cpu.max 0.5", 2},
		{"colons", v2Mount + "proc/self/cgroup: 0::/a:b:c\nsys/fs/cgroup/a:b:c/memory.max: 5000\nsys/fs/cgroup/a:b:c/cpu.max: 210000 100000",
			"/sys/fs/cgroup/a:b:c/memory.max 5000", "no such file", "/sys/fs/cgroup/a:b:c/cpu.max 2.1", 3},
		{"more than the mask", v2Mount + "proc/self/cgroup: 0::/\nsys/fs/cgroup/memory.max: max\nsys/fs/cgroup/cpu.max: 900000 100000", "unlimited", "no such file", "/sys/fs/cgroup/cpu.max 9", 8},
		{"v1, page-rounded", v1Mount + "proc/self/cgroup: 2:memory:/\\n1:cpu:/\\n0::/\nsys/fs/cgroup/memory/memory.limit_in_bytes: 9223372036854771712\nsys/fs/cgroup/cpu/cpu.cfs_quota_us: -1\nsys/fs/cgroup/cpu/cpu.cfs_period_us: 100000",
			"unlimited", "", "unlimited", 8},
		{"v1, 64 KiB pages", v1Mount + "proc/self/cgroup: 2:memory:/\\n1:cpu:/\nsys/fs/cgroup/memory/memory.limit_in_bytes: 9223372036854710272\nsys/fs/cgroup/cpu/x: 1", "unlimited", "", "no such file", 8},
		{"v1, all 64 bits", v1Mount + "proc/self/cgroup: 2:memory:/\nsys/fs/cgroup/memory/memory.limit_in_bytes: 18446744073709551615", "unlimited", "", "the process is in no such group", 8},
		{"v1, limits", v1Mount + "proc/self/cgroup: 2:memory:/d/x\\n1:cpu:/d/x\nsys/fs/cgroup/memory/d/x/memory.limit_in_bytes: 8192\nsys/fs/cgroup/memory/d/memory.limit_in_bytes: 4096\nsys/fs/cgroup/cpu/d/x/cpu.cfs_quota_us: 300000\nsys/fs/cgroup/cpu/d/x/cpu.cfs_period_us: 100000",
			"/sys/fs/cgroup/memory/d/memory.limit_in_bytes 4096", "", "/sys/fs/cgroup/cpu/d/x/cpu.cfs_quota_us 3", 3},
		{"v1, bind mounted root", `proc/self/mountinfo: 31 22 0:28 /docker/x /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n32 22 0:29 /docker/x /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory` + "\nproc/self/cgroup: 2:memory:/docker/x\\n1:cpu:/docker/x\nsys/fs/cgroup/memory/memory.limit_in_bytes: 4096\nsys/fs/cgroup/cpu/cpu.cfs_quota_us: 210000\nsys/fs/cgroup/cpu/cpu.cfs_period_us: 100000",
			"/sys/fs/cgroup/memory/memory.limit_in_bytes 4096", "", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us 2.1", 3},
		{"second mount holds it", `proc/self/mountinfo: 30 22 0:27 /.. /wrong rw - cgroup2 c rw\n31 22 0:27 / /a\040b rw - cgroup2 c rw` + "\nproc/self/cgroup: 0::/\na b/memory.max: 4096\na b/cpu.max: 210000 100000",
			"/a b/memory.max 4096", "no such file", "/a b/cpu.max 2.1", 3},
		{"mount root outside", `proc/self/mountinfo: 30 22 0:27 /.. /sys/fs/cgroup rw - cgroup2 c rw` + "\nproc/self/cgroup: 0::/\nsys/fs/cgroup/memory.max: 4096", "does not hold", "does not hold", "does not hold", 8},
		{"denied", v2Mount + "proc/self/cgroup: 0::/\nsys/fs/cgroup/memory.max: !EACCES\nsys/fs/cgroup/cpu.max: !EACCES", "permission denied", "no such file", "permission denied", 8},
		{"cgroup file denied", v2Mount + "proc/self/cgroup: !EACCES", "permission denied", "permission denied", "permission denied", 8},
		{"not mounted", "proc/self/mountinfo: 22 1 0:21 / /sys rw - sysfs sysfs rw\nproc/self/cgroup: 0::/", "not mounted", "not mounted", "not mounted", 8},
		{"no proc", "", "no such file", "no such file", "no such file", 8},
		{"nonsense", v2Mount + "proc/self/cgroup: 0::/\nsys/fs/cgroup/memory.max: lots\nsys/fs/cgroup/cpu.max: 1 0", "malformed", "no such file", "malformed", 8},
		{"malformed membership", v2Mount + "proc/self/cgroup: hello", "malformed", "malformed", "malformed", 8},
		{"path that climbs", v2Mount + "proc/self/cgroup: 0::/../x\nsys/fs/x/memory.max: 4096\nsys/fs/x/cpu.max: 300000 100000", "does not hold", "does not hold", "does not hold", 8},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := cgroup.Read(tree(test.files))
			check(t, "max", shown(v.Memory.Max), test.max)
			check(t, "high", shown(v.Memory.High), test.high)
			quota := v.CPU.Quota
			got := cgroup.Reason(quota.Err)
			if quota.Err == nil {
				got = "unlimited"
			}
			if quota.Limited() {
				got = quota.File + " " + cores(quota.Cores())
			}
			check(t, "quota", got, test.quota)
			if p := v.MaxProcs(8); p.Go != test.procs || p.Old != 8 || p.Why == "" {
				t.Errorf("GOMAXPROCS %d (%s), want %d", p.Go, p.Why, test.procs)
			}
		})
	}
}

func shown(r cgroup.Reading) string {
	switch {
	case r.Err != nil:
		return cgroup.Reason(r.Err)
	case r.Unlimited:
		return "unlimited"
	case r.File == "":
		return ""
	}
	return r.File + " " + number(r.Value)
}

func check(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want && (want == "" || strings.HasPrefix(want, "/") || !strings.Contains(got, want)) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestWhatHappened(t *testing.T) {
	v := cgroup.Read(tree(v2Mount + `proc/self/cgroup: 0::/
sys/fs/cgroup/memory.peak: 1000
sys/fs/cgroup/memory.current: 900
sys/fs/cgroup/memory.events: low 0\nhigh 7\nmax 3\noom 1\noom_kill 1
sys/fs/cgroup/cgroup.controllers: cpu memory pids
sys/fs/cgroup/cpu.weight: 59
sys/fs/cgroup/cpuset.cpus.effective: 0-2,5
sys/fs/cgroup/pids.max: 100
proc/self/status: Name: x\nCpus_allowed_list: 0-1\nMems_allowed_list: 0`))
	want := map[string]int64{"low": 0, "high": 7, "max": 3, "oom": 1, "oom_kill": 1}
	if diff := cmp.Diff(want, v.Memory.Events); diff != "" {
		t.Error(diff)
	}
	if v.Memory.Peak.Value != 1000 || v.Memory.Current.Value != 900 || v.CPU.Weight.Value != 59 || v.Pids.Max.Value != 100 || !v.Memory.ReadOnly {
		t.Errorf("%+v", v)
	}
	if diff := cmp.Diff([][]int{{0, 1, 2, 5}, {0, 1}, {0}}, [][]int{v.CPU.Set, v.CPU.Allowed, v.CPU.AllowedMems}); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"cpu", "memory", "pids"}, v.Controllers); diff != "" {
		t.Error(diff)
	}
	v = cgroup.Read(tree(v1Mount + `proc/self/cgroup: 2:memory:/
sys/fs/cgroup/memory/memory.max_usage_in_bytes: 77
sys/fs/cgroup/memory/memory.failcnt: 4
sys/fs/cgroup/memory/memory.oom_control: oom_kill_disable 0\nunder_oom 0\noom_kill 2`))
	if diff := cmp.Diff(map[string]int64{"oom_kill": 2, "max": 4}, v.Memory.Events); diff != "" || v.Memory.Peak.Value != 77 {
		t.Error(diff, v.Memory.Peak)
	}
}

func TestModeAndNamespace(t *testing.T) {
	link := func(target string) func(recorded.Tree) {
		return func(t recorded.Tree) {
			t.MapFS["proc/self/ns/cgroup"] = &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink}
		}
	}
	none := func(recorded.Tree) {}
	for _, test := range []struct {
		name, files string
		more        func(recorded.Tree)
		mode        cgroup.Mode
		namespace   cgroup.Namespace
	}{
		{"initial", v2Mount + "proc/self/cgroup: 0::/x", link("cgroup:[4026531835]"), cgroup.ModeV2, cgroup.NamespaceHost},
		{"another", v2Mount + "proc/self/cgroup: 0::/", link("cgroup:[4026532277]"), cgroup.ModeV2, cgroup.NamespacePrivate},
		{"root by its files", v2Mount + "proc/self/cgroup: 0::/\nsys/fs/cgroup/cgroup.procs: 1", none, cgroup.ModeV2, cgroup.NamespaceHost},
		{"no root by its files", v2Mount + "proc/self/cgroup: 0::/\nsys/fs/cgroup/cgroup.events: populated 1", none, cgroup.ModeV2, cgroup.NamespacePrivate},
		{"v1 root", v1Mount + "proc/self/cgroup: 1:cpu:/\nsys/fs/cgroup/cpu/release_agent: x", none, cgroup.ModeV1, cgroup.NamespaceHost},
		{"v1 no root", v1Mount + "proc/self/cgroup: 1:cpu:/\nsys/fs/cgroup/cpu/tasks: 1", none, cgroup.ModeV1, cgroup.NamespacePrivate},
		{"outside", v2Mount + "proc/self/cgroup: 0::/../x", none, cgroup.ModeV2, cgroup.NamespacePrivate},
		{"named hierarchy beside v2", `proc/self/mountinfo: 30 22 0:27 / /sys/fs/cgroup rw - cgroup2 c rw\n31 22 0:27 / /s rw - cgroup c rw,name=systemd` + "\nproc/self/cgroup: 0::/x", none, cgroup.ModeV2, cgroup.NamespaceHost},
		{"hybrid", `proc/self/mountinfo: 30 22 0:27 / /u rw - cgroup2 c rw\n31 22 0:27 / /s rw - cgroup c rw,memory` + "\nproc/self/cgroup: 0::/x", none, cgroup.ModeHybrid, cgroup.NamespaceHost},
		{"nothing mounted", "proc/self/mountinfo: 22 1 0:21 / /sys rw - sysfs sysfs rw\nproc/self/cgroup: 0::/", none, cgroup.ModeNone, cgroup.NamespaceUnknown},
		{"nothing known", "", none, cgroup.ModeUnknown, cgroup.NamespaceUnknown},
	} {
		root := tree(test.files)
		test.more(root)
		if v := cgroup.Read(root); v.Mode != test.mode || v.Namespace != test.namespace {
			t.Errorf("%s: %s %s, want %s %s", test.name, v.Mode, v.Namespace, test.mode, test.namespace)
		}
	}
}

func TestOtherProcess(t *testing.T) {
	v := cgroup.ReadProcess(tree(v2Mount+"proc/77/cgroup: 0::/job\nproc/self/cgroup: 0::/\nsys/fs/cgroup/job/memory.max: 4096"), "77")
	if v.Memory.Max.Value != 4096 || v.Memory.Dir() != "/sys/fs/cgroup/job" {
		t.Errorf("%+v", v.Memory)
	}
}

func TestParseList(t *testing.T) {
	for text, want := range map[string][]int{"0-3,8\n": {0, 1, 2, 3, 8}, "": nil, "5": {5}} {
		if got, err := cgroup.ParseList(text); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"3-1", "a", "1-", "0-65535,0-65535", "-1", "99999999999"} {
		if got, err := cgroup.ParseList(text); !errors.Is(err, cgroup.ErrMalformed) {
			t.Errorf("%q: %v, %v", text, len(got), err)
		}
	}
}

// FuzzRead: whatever the files hold, reading them ends without a panic, and what is
// said to be limited names its file.
func FuzzRead(f *testing.F) {
	f.Add("0::/a:b\n", `30 22 0:27 / /sys\040x rw - cgroup2 cgroup rw`, "100", "1 2")
	f.Add("3:cpu,memory:/d\n", `30 22 0:27 /d /c rw - cgroup c rw,cpu,memory`, "9223372036854771712", "-1")
	f.Fuzz(func(t *testing.T, members, mounts, memory, cpu string) {
		root, _ := recorded.Parse(nil)
		root.MapFS["proc/self/cgroup"], root.MapFS["proc/self/mountinfo"] = file(members), file(mounts)
		for _, dir := range cgroup.Read(root).Memory.Dirs {
			root.MapFS[strings.TrimPrefix(dir, "/")+"/memory.max"] = file(memory)
		}
		root.MapFS["c/cpu.cfs_quota_us"], root.MapFS["c/memory.limit_in_bytes"] = file(cpu), file(memory)
		v := cgroup.Read(root)
		if v.Memory.Max.Limited() && (v.Memory.Max.File == "" || v.Memory.Max.Value < 0) {
			t.Errorf("%+v", v.Memory.Max)
		}
		if p := v.MaxProcs(4); p.Go < 1 || p.Go > 4 {
			t.Errorf("GOMAXPROCS %d", p.Go)
		}
	})
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func cores(n float64) string { return strconv.FormatFloat(n, 'g', 4, 64) }
