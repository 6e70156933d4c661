package memlimit

import (
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

const mib = 1 << 20

// trees writes the recorded trees below a directory each.
func trees(t *testing.T) string {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/trees.txtar")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range archive.Files {
		name := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if string(f.Data) == "DENIED\n" { // whoever runs this, a directory cannot be read as a file
			err = os.Mkdir(name, 0o755)
		} else {
			err = os.WriteFile(name, f.Data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestChoose(t *testing.T) {
	dir := trees(t)
	for _, c := range []struct {
		name string
		want int64
		says string // a part of what is said
	}{
		{"private v2", 180 * mib, "/sys/fs/cgroup/memory.max=209715200"},
		{"host namespace v2", 180 * mib, "docker-1.scope/memory.max=209715200"},
		{"pod limit, host namespace", 180 * mib, "/kubepods/pod1/memory.max=209715200"},
		{"pod limit, private", 0, "memory.max=max"},
		{"mount of the host in a private namespace", 0, "shows /.."},
		{"host's mount over the own", 0, "shows /../.."},
		{"no mount", 0, "no cgroup file system"},
		{"masked", 0, "no cgroup file system"},
		{"no proc", 0, "/proc/self/cgroup"},
		{"denied groups", 0, "/proc/self/cgroup"},
		{"denied limit", 0, "/sys/fs/cgroup/memory"},
		{"colons", 180 * mib, "/a:b:c/memory.max"},
		{"escapes", 180 * mib, "/mnt/c\\group\tx/svc/memory.max"},
		{"high is lower", 95 * mib, "memory.high=104857600"},
		{"high alone", 95 * mib, "memory.high=104857600"},
		{"floor", 0, "under 64MiB"},
		{"v1 docker", 180 * mib, "/sys/fs/cgroup/memory/memory.limit_in_bytes=209715200"},
		{"v1 unlimited", 0, "memory.limit_in_bytes=9223372036854771712"},
		{"v1 parent", 180 * mib, "/a/memory.limit_in_bytes=209715200"},
		{"hybrid", 180 * mib, "svc.service/memory.limit_in_bytes=209715200"},
		{"several mounts", 180 * mib, "/sys/fs/cgroup/ctr/memory.max"},
		{"path out of the namespace", 0, "shows /"},
		{"gvisor", 180 * mib, "memory.limit_in_bytes=209715200"},
		{"damaged", 0, "no cgroup file system"},
		{"damaged limit", 0, "memory.max=-5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, said := plimsollMemlimitChoose(filepath.Join(dir, c.name))
			if got != c.want || !strings.Contains(said, c.says) || strings.Contains(said, "\n") {
				t.Errorf("%d, %q; want %d and %q", got, said, c.want, c.says)
			}
		})
	}
}

// TestStart holds that the operator's GOMEMLIMIT wins, and that one line is said if asked for.
func TestStart(t *testing.T) {
	limited := filepath.Join(trees(t), "private v2")
	for _, c := range []struct {
		name, root, set string
		want            int64
		says            string
	}{
		{"not set", limited, "", 180 * mib, "GOMEMLIMIT 188743680"},
		{"set", limited, "1GiB", math.MaxInt64, "GOMEMLIMIT=1GiB is set"},
		{"off", limited, "off", math.MaxInt64, "GOMEMLIMIT=off is set"},
		{"nothing to read", t.TempDir(), "", math.MaxInt64, "no memory limit found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("GOMEMLIMIT", c.set)
			t.Setenv("PLIMSOLL_DEBUG", "1")
			before := debug.SetMemoryLimit(math.MaxInt64)
			defer debug.SetMemoryLimit(before)
			said := stderr(t, func() { plimsollMemlimitStart(c.root) })
			if got := debug.SetMemoryLimit(-1); got != c.want {
				t.Errorf("the limit is %d, want %d", got, c.want)
			}
			if !strings.HasPrefix(said, plimsollMemlimitMarker) || !strings.Contains(said, c.says) || strings.Count(said, "\n") != 1 {
				t.Errorf("said %q", said)
			}
			t.Setenv("PLIMSOLL_DEBUG", "")
			if said := stderr(t, func() { plimsollMemlimitStart(c.root) }); said != "" {
				t.Errorf("said %q without being asked", said)
			}
		})
	}
}

// TestAgain holds that a changed limit is taken, one that went away too, and nothing is touched
// after somebody else set a limit.
func TestAgain(t *testing.T) {
	dir := trees(t)
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	for _, c := range []struct {
		tree string
		want int64
	}{{"private v2", 180 * mib}, {"high is lower", 95 * mib}, {"pod limit, private", math.MaxInt64}} {
		got := plimsollMemlimitAgain(filepath.Join(dir, c.tree), debug.SetMemoryLimit(-1))
		if now := debug.SetMemoryLimit(-1); got != c.want || now != c.want {
			t.Errorf("%s: %d, %d; want %d", c.tree, got, now, c.want)
		}
	}
	debug.SetMemoryLimit(180 * mib)
	if got := plimsollMemlimitAgain(filepath.Join(dir, "nothing to read"), 180*mib); got != 180*mib || debug.SetMemoryLimit(-1) != got {
		t.Errorf("what cannot be read is no limit: %d, %d", got, debug.SetMemoryLimit(-1))
	}
	t.Setenv("GOMEMLIMIT", "off")
	if plimsollMemlimitFollow(dir, 1) {
		t.Error("it goes on against an operator's GOMEMLIMIT")
	}
}

// stderr is what a function writes there.
func stderr(t *testing.T, do func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	old := os.Stderr
	os.Stderr = w
	do()
	os.Stderr = old
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestShares holds that any headroom gives what internal/tuning gives for it.
func TestShares(t *testing.T) {
	for percent := int64(50); percent < 100; percent++ {
		for _, most := range []int64{200*mib + 1, 512*mib - 1, 1<<40 + 99, math.MaxInt64/2 - 7} {
			for _, high := range []int64{most, most - most/10, most / 2} {
				want, err := tuning.MemLimit(tuning.Memory{Max: most, High: high, Headroom: int(100 - percent)})
				if err != nil {
					t.Fatal(err)
				}
				if got := min(plimsollMemlimitShare(most, percent), plimsollMemlimitShare(high, plimsollMemlimitHigh)); got != want.Bytes {
					t.Errorf("%d%% of max %d, high %d: %d, and internal/tuning says %d", percent, most, high, got, want.Bytes)
				}
			}
		}
	}
}

// FuzzChoose holds that no tree makes it panic, and that it computes as internal/tuning does.
func FuzzChoose(f *testing.F) {
	f.Add("0::/\n", "535 534 0:30 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n", int64(200*mib), int64(150*mib))
	f.Add("9:memory:/a\\040:b\n", "1 1 1 /a\\040 /m\\", int64(64*mib), int64(0))
	f.Fuzz(func(t *testing.T, groups, mounts string, most, high int64) {
		dir := t.TempDir()
		write := func(name, data string) {
			name = filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(data), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		write("a/proc/self/cgroup", groups)
		write("a/proc/self/mountinfo", mounts)
		plimsollMemlimitChoose(filepath.Join(dir, "a"))

		if most <= 0 || most >= plimsollMemlimitNone || high < 0 || high > most {
			return
		}
		write("b/proc/self/cgroup", "0::/\n")
		write("b/proc/self/mountinfo", "535 534 0:30 / /cg ro - cgroup2 cgroup rw\n")
		write("b/cg/memory.max", tuning.FormatMemLimit(most)+"\n")
		if high > 0 {
			write("b/cg/memory.high", tuning.FormatMemLimit(high)+"\n")
		}
		want, err := tuning.MemLimit(tuning.Memory{Max: most, High: high, Headroom: 100 - plimsollMemlimitPercent})
		if err != nil {
			want = tuning.Limit{}
		}
		if got, said := plimsollMemlimitChoose(filepath.Join(dir, "b")); got != want.Bytes {
			t.Errorf("max %d, high %d: %d (%s), and internal/tuning says %d", most, high, got, said, want.Bytes)
		}
	})
}
