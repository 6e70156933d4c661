package liverun

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll-build/plimsoll/internal/cgroup"
)

// interval is how often a process is looked at: often enough for a service that fills
// its memory within a second, seldom enough to cost nothing.
const interval = 20 * time.Millisecond

// observe looks at a process until the context ends or the process does, and closes
// appeared as soon as it was seen, or cannot be. nil means that it was never seen with the
// environment that it was given: a runtime's own process, a process of another machine,
// or one that had ended.
func observe(ctx context.Context, pid int, appeared chan<- struct{}) *Process {
	if pid == 0 {
		close(appeared)
		return nil
	}
	var p *Process
	for {
		if now := look(pid); now != nil {
			if p == nil {
				close(appeared)
			} else {
				now.Peak, now.Kills = max(now.Peak, p.Peak), max(now.Kills, p.Kills)
			}
			p = now
		} else if p != nil {
			return p
		}
		select {
		case <-ctx.Done():
			return p
		case <-time.After(interval):
		}
	}
}

// look is a process as it is now, or nil if it is not the service.
func look(pid int) *Process {
	dir := fmt.Sprintf("/proc/%d", pid)
	data, err := os.ReadFile(dir + "/environ")
	if err != nil || !bytes.Contains(data, []byte(trace)) {
		return nil
	}
	p := &Process{Env: unwatched(strings.Split(strings.TrimRight(string(data), "\x00"), "\x00"))}
	if p.UID, p.GID, err = owner(dir + "/status"); err != nil {
		return nil
	}
	if info, err := os.ReadFile(dir + "/mountinfo"); err == nil {
		p.Inside, _ = cgroup.ParseMounts(string(info))
		p.Root = rootMode(string(info))
	}
	p.Holds = quotaFiles(dir + "/fd")
	own, err1 := os.Readlink("/proc/self/ns/cgroup")
	its, err2 := os.Readlink(dir + "/ns/cgroup")
	p.Private = err1 == nil && err2 == nil && own != its
	p.Group = cgroup.ReadProcess(os.DirFS("/"), fmt.Sprint(pid))
	p.Peak, p.Kills = max(p.Group.Memory.Peak.Value, p.Group.Memory.Current.Value), p.Group.Memory.Events["oom_kill"]
	return p
}

// owner are the effective IDs of a status file: "Uid: real effective saved fs".
func owner(file string) (uid, gid int, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, 0, err
	}
	uid, gid = -1, -1
	for line := range strings.Lines(string(data)) {
		_, _ = fmt.Sscanf(line, "Uid: %d %d", new(int), &uid)
		_, _ = fmt.Sscanf(line, "Gid: %d %d", new(int), &gid)
	}
	if uid < 0 || gid < 0 {
		return 0, 0, fmt.Errorf("%s has no IDs", file)
	}
	return uid, gid, nil
}

// rootMode is "ro" or "rw" of the last mount at "/".
func rootMode(mountinfo string) (mode string) {
	for line := range strings.Lines(mountinfo) {
		if f := strings.Fields(line); len(f) > 5 && f[4] == "/" {
			mode = "rw"
			if slices.Contains(strings.Split(f[5], ","), "ro") {
				mode = "ro"
			}
		}
	}
	return mode
}

// quotaFiles are the open files that hold a CPU quota.
func quotaFiles(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var files []string
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join(dir, e.Name()))
		if base := filepath.Base(target); err == nil && (base == "cpu.max" || base == "cpu.cfs_quota_us") {
			files = append(files, target)
		}
	}
	slices.Sort(files)
	return files
}
