package liverun

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
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
		if now := look(os.DirFS("/"), pid); now != nil {
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

// look is a process of a host's tree as it is now, or nil if it is not the service, or ends.
func look(host fs.FS, pid int) *Process {
	dir := fmt.Sprintf("proc/%d", pid)
	env, ok := given(host, dir)
	if !ok {
		return nil
	}
	p := &Process{Env: unwatched(env)}
	var err error
	if p.UID, p.GID, err = owner(host, dir); err != nil {
		return nil
	}
	if info, err := fs.ReadFile(host, dir+"/mountinfo"); err == nil {
		p.Inside, _ = cgroup.ParseMounts(string(info))
		p.Root = rootMode(string(info))
	}
	p.Holds = quotaFiles(host, dir+"/fd")
	p.Private = apart(host, dir, "cgroup")
	p.Group = cgroup.ReadProcess(host, fmt.Sprint(pid))
	p.Peak, p.Kills = max(p.Group.Memory.Peak.Value, p.Group.Memory.Current.Value), p.Group.Memory.Events["oom_kill"]
	// A process that ends loses its memory first, and its environment with it, then its files,
	// mounts and groups. While the first is there, all of the above is of the living one.
	if _, ok := given(host, dir); !ok {
		return nil
	}
	return p
}

// given is the environment that a process was started with, if it is the one of a service.
func given(host fs.FS, dir string) (env []string, ok bool) {
	data, err := fs.ReadFile(host, dir+"/environ")
	if err != nil || !bytes.Contains(data, []byte(trace)) {
		return nil, false
	}
	return strings.Split(strings.TrimRight(string(data), "\x00"), "\x00"), true
}

// apart reports whether a process has a namespace of that kind that is not this process's.
func apart(host fs.FS, dir, kind string) bool {
	own, err1 := fs.ReadLink(host, "proc/self/ns/"+kind)
	its, err2 := fs.ReadLink(host, dir+"/ns/"+kind)
	return err1 == nil && err2 == nil && own != its
}

// owner are the effective IDs of a process ("Uid: real effective saved fs"), as the image
// names them: a rootless engine, or one that remaps users, gives the container others.
func owner(host fs.FS, dir string) (uid, gid int, err error) {
	data, err := fs.ReadFile(host, dir+"/status")
	if err != nil {
		return 0, 0, err
	}
	uid, gid = unmapped, unmapped
	for line := range strings.Lines(string(data)) {
		_, _ = fmt.Sscanf(line, "Uid: %d %d", new(int), &uid)
		_, _ = fmt.Sscanf(line, "Gid: %d %d", new(int), &gid)
	}
	if uid < 0 || gid < 0 {
		return 0, 0, fmt.Errorf("%s/status has no IDs", dir)
	}
	// Of the reader's own namespace the file speaks of its parent's.
	if !apart(host, dir, "user") {
		return uid, gid, nil
	}
	return inner(host, dir+"/uid_map", uid), inner(host, dir+"/gid_map", gid), nil
}

// unmapped is the ID of a user or group that has none in a user namespace.
const unmapped = -1

// inner is an ID inside of a user namespace, by its map: "INSIDE OUTSIDE COUNT", where OUTSIDE
// is as the reader sees it.
func inner(host fs.FS, file string, id int) int {
	data, err := fs.ReadFile(host, file)
	if err != nil {
		return unmapped
	}
	for line := range strings.Lines(string(data)) {
		var inside, outside, count int64
		if n, _ := fmt.Sscan(line, &inside, &outside, &count); n < 3 {
			continue
		}
		if off := int64(id) - outside; off >= 0 && off < count {
			return int(inside + off)
		}
	}
	return unmapped
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
func quotaFiles(host fs.FS, dir string) []string {
	entries, err := fs.ReadDir(host, dir)
	if err != nil {
		return nil
	}
	var files []string
	for _, e := range entries {
		target, err := fs.ReadLink(host, path.Join(dir, e.Name()))
		if base := path.Base(target); err == nil && (base == "cpu.max" || base == "cpu.cfs_quota_us") {
			files = append(files, target)
		}
	}
	slices.Sort(files)
	return files
}
