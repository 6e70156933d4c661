package rootfs_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/rootfs"
)

func TestCheckMounts(t *testing.T) {
	tests := []struct {
		name, lines string
		c           rootfs.Container
		want        []string // paths of the problems
	}{
		{"nothing there", "0 f /app", rootfs.Container{WorkingDir: "/"}, nil},
		{"empty directories", "0 d /proc\n0 d /sys/fs/cgroup\n0 d /dev", rootfs.Container{Volumes: []string{"/data"}, WorkingDir: "/app"}, nil},
		{"cgroup is a file", "0 f /sys/fs/cgroup", rootfs.Container{}, []string{"/sys/fs/cgroup"}},
		{"cgroup is a link", "0 l /sys/fs/cgroup /var", rootfs.Container{}, []string{"/sys/fs/cgroup"}},
		{"sys is a link", "0 d /s/fs/cgroup\n0 l /sys /s", rootfs.Container{}, []string{"/sys"}},
		{"fs on the way is a link", "0 d /x\n0 d /sys\n0 l /sys/fs /x", rootfs.Container{}, []string{"/sys/fs"}},
		{"shipped limit", "0 f /sys/fs/cgroup/memory.max", rootfs.Container{}, []string{"/sys/fs/cgroup/memory.max"}},
		{"shipped proc and dev", "0 f /proc/cpuinfo\n0 s /dev/null", rootfs.Container{}, []string{"/dev/null", "/proc/cpuinfo"}},
		{"removed by an upper layer", "0 f /proc/cpuinfo\n1 o /proc", rootfs.Container{}, nil},
		{"volume over", "0 d /sys", rootfs.Container{Volumes: []string{"/sys"}}, []string{"/sys"}},
		{"volume over the root", "", rootfs.Container{Volumes: []string{"/"}}, []string{"/"}},
		{"volume in", "", rootfs.Container{Volumes: []string{"/sys/fs/cgroup/memory", "/data"}}, []string{"/sys/fs/cgroup/memory"}},
		{"volume by a link", "0 l /data /sys/fs", rootfs.Container{Volumes: []string{"/data/cgroup"}}, []string{"/data/cgroup"}},
		{"volume in a loop", "0 l /a /b\n0 l /b /a", rootfs.Container{Volumes: []string{"/a/x"}}, []string{"/a/x"}},
		{"name that only begins alike", "0 d /system\n0 d /processes", rootfs.Container{Volumes: []string{"/system", "/device"}}, nil},
		{"working directory in", "", rootfs.Container{WorkingDir: "/proc/self"}, []string{"/proc/self"}},
		{"working directory by a link", "0 l /wd /dev/shm", rootfs.Container{WorkingDir: "/wd"}, []string{"/wd"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			x := rootfs.New()
			if tc.lines != "" {
				x = fill(t, tc.lines)
			}
			var got []string
			for _, p := range rootfs.CheckMounts(x, tc.c) {
				got = append(got, p.Path)
				if p.Got == "" || p.Want == "" {
					t.Errorf("%s: values are missing: %+v", p.Path, p)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCheckExecutable(t *testing.T) {
	tests := []struct {
		name      string
		dir, file plan.Mode
		user      rootfs.User
		want      bool
	}{
		{"others", 0o755, 0o755, rootfs.User{UID: 65532, GIDs: []int{65532}}, true},
		{"not executable", 0o755, 0o644, rootfs.User{UID: 65532}, false},
		{"root needs a bit", 0o755, 0o644, rootfs.User{}, false},
		{"root passes closed directories", 0o600, 0o100, rootfs.User{}, true},
		{"closed directory", 0o700, 0o755, rootfs.User{UID: 65532}, false},
		{"owner's bit counts alone", 0o755, 0o655, rootfs.User{UID: 7, GIDs: []int{8}}, false},
		{"owner", 0o755, 0o700, rootfs.User{UID: 7}, true},
		{"group", 0o755, 0o710, rootfs.User{UID: 1, GIDs: []int{8}}, true},
		{"group's bit counts alone", 0o755, 0o701, rootfs.User{UID: 1, GIDs: []int{8}}, false},
	}
	for _, tc := range tests {
		x := rootfs.New()
		for _, e := range []rootfs.Entry{{Path: "/d", Type: rootfs.Dir, Mode: tc.dir}, {Path: "/d/app", Type: rootfs.File, Mode: tc.file, UID: 7, GID: 8}} {
			if err := x.Add(e); err != nil {
				t.Fatal(err)
			}
		}
		if err := rootfs.CheckExecutable(x, "/d/app", tc.user); (err == nil) != tc.want {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	if err := rootfs.CheckExecutable(rootfs.New(), "/none", rootfs.User{}); err == nil {
		t.Error("an absent file is executable")
	}
}
