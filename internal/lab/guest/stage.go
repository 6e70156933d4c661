//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"syscall"
	"unsafe"

	"github.com/plimsoll-build/plimsoll/internal/lab/trial"
)

// How init runs itself as a container's first process, and how that says it failed.
const (
	stageArg    = "stage"
	stageFailed = "lab: making the container:"
	stageExit   = 125
)

// stage is the container's first process: it is in the group and in new namespaces
// already, completes what only it can do, and becomes the program.
func stage(asked string) error {
	var t trial.Trial
	if err := json.Unmarshal([]byte(asked), &t); err != nil {
		return err
	}
	if t.Namespace == trial.Private {
		// The group that a process is in when it asks becomes the namespace's root, so
		// this cannot be a flag of the clone that moved it there.
		if err := syscall.Unshare(syscall.CLONE_NEWCGROUP); err != nil {
			return fmt.Errorf("asking for a cgroup namespace: %w", err)
		}
	}
	if err := mountAll(containerMounts(t.Root, t.View)); err != nil {
		return err
	}
	for _, path := range t.Deny {
		if err := deny(t.Root, path); err != nil {
			return err
		}
	}
	if err := restrict(t.CPUs); err != nil {
		return err
	}
	if err := enter(t.Root, t.UID); err != nil {
		return err
	}
	return fmt.Errorf("starting %s: %w", t.Command[0], syscall.Exec(t.Command[0], t.Command, t.Env))
}

// enter makes root the root and gives up being root.
func enter(root string, uid int) error {
	if err := syscall.Chroot(root); err != nil {
		return fmt.Errorf("entering %s: %w", root, err)
	}
	if err := syscall.Chdir("/"); err != nil {
		return err
	}
	if err := syscall.Setgroups(nil); err != nil {
		return err
	}
	if err := syscall.Setgid(uid); err != nil {
		return err
	}
	return syscall.Setuid(uid)
}

// restrict pins this thread, and what it becomes, to the first processors.
func restrict(cpus int) error {
	if cpus == 0 {
		return nil
	}
	mask := uint64(1)<<cpus - 1
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0, unsafe.Sizeof(mask), uintptr(unsafe.Pointer(&mask))); errno != 0 {
		return fmt.Errorf("choosing %d processors: %w", cpus, errno)
	}
	return nil
}
