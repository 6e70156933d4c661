//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/plimsoll-build/plimsoll/internal/lab/trial"
)

// mount is one call of mount(2); the target is made if it is missing.
type mount struct {
	source, target, kind string
	flags                uintptr
	data                 string
}

// hardened are the flags with which engines mount what a container must not start
// programs from.
const hardened = syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC

const cgroupDir = "/sys/fs/cgroup"

// system are the guest's own mounts.
var system = []mount{
	{"proc", "/proc", "proc", hardened, ""},
	{"sysfs", "/sys", "sysfs", hardened, ""},
	{"devtmpfs", "/dev", "devtmpfs", syscall.MS_NOSUID, ""},
	{"cgroup2", cgroupDir, "cgroup2", hardened, ""},
}

func mountAll(list []mount) error {
	for _, m := range list {
		if info, err := os.Stat(m.target); err == nil && !info.IsDir() {
			// A file is covered by a file.
		} else if err := os.MkdirAll(m.target, 0o755); err != nil {
			return err
		}
		if err := syscall.Mount(m.source, m.target, m.kind, m.flags, m.data); err != nil {
			return fmt.Errorf("mounting %s at %s: %w", m.source, m.target, err)
		}
	}
	return nil
}

// containerMounts are the mounts below root, in the order in which an engine makes them.
func containerMounts(root string, view trial.View) []mount {
	at := func(path string) string { return filepath.Join(root, path) }
	list := []mount{
		{"none", "/", "", syscall.MS_REC | syscall.MS_PRIVATE, ""},
		{"proc", at("/proc"), "proc", hardened, ""},
	}
	if view == trial.NoSys {
		return list
	}
	list = append(list, mount{"sysfs", at("/sys"), "sysfs", hardened | syscall.MS_RDONLY, ""})
	group := mount{"cgroup2", at(cgroupDir), "cgroup2", hardened | syscall.MS_RDONLY, ""}
	switch view {
	case trial.NoCgroup:
		return list
	case trial.ReadWrite:
		group.flags = hardened
	case trial.HostBind:
		group = mount{cgroupDir, at(cgroupDir), "", syscall.MS_BIND, ""}
	}
	list = append(list, group)
	if view == trial.Masked {
		list = append(list, mount{"tmpfs", at(cgroupDir), "tmpfs", hardened | syscall.MS_RDONLY, ""})
	}
	return list
}

// deny covers a file of the container by one that only root may read.
func deny(root, path string) error {
	cover := filepath.Join("/", "denied")
	if err := os.WriteFile(cover, nil, 0o600); err != nil {
		return err
	}
	if err := os.Chmod(cover, 0); err != nil {
		return err
	}
	return mountAll([]mount{{cover, filepath.Join(root, path), "", syscall.MS_BIND, ""}})
}
