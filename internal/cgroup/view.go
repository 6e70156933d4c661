package cgroup

import (
	"fmt"
	"io/fs"
	"slices"
)

// Mode is which hierarchies are mounted.
type Mode string

// The modes. Unknown is a mountinfo that cannot be read.
const (
	ModeV1      Mode = "v1"
	ModeV2      Mode = "v2"
	ModeHybrid  Mode = "hybrid"
	ModeNone    Mode = "none"
	ModeUnknown Mode = "unknown"
)

// View is what a process can know of its groups.
type View struct {
	Mode Mode
	// Emulated is a v1 that no Linux kernel makes: it has gVisor's controller "job".
	Emulated bool
	// Mounts are the cgroup mounts of the process that reads.
	Mounts []Mount
	// Members are the groups of the process that is looked at.
	Members []Member
	// Namespace says whether the process sees the groups from the machine's root.
	Namespace Namespace
	// Controllers are those that v2 enables for the own group, from cgroup.controllers.
	Controllers []string
	Memory      Memory
	CPU         CPU
	Pids        Pids
	// Err is why the mounts or groups could not be read; nothing else is known then.
	Err error

	goQuota Quota // as the Go runtime reads it
}

// Read is the view of the process itself. The tree is rooted at "/".
func Read(fsys fs.FS) *View { return ReadProcess(fsys, "self") }

// ReadProcess is the view of another process through the reader's own mounts: how an
// engine sees the limits of a container that it started. proc is a process's number.
func ReadProcess(fsys fs.FS, proc string) *View {
	v := &View{Mode: ModeUnknown, Namespace: NamespaceUnknown}
	v.Err = v.readProc(fsys, proc)
	v.Memory = readMemory(fsys, v.place(fsys, "memory"))
	v.CPU = readCPU(fsys, v.place(fsys, "cpu"), v.place(fsys, "cpuset"))
	v.CPU.readAffinity(fsys, proc)
	v.goQuota = v.readGoQuota(fsys)
	v.Pids = readPids(fsys, v.place(fsys, "pids"))
	if v.Err == nil {
		v.Namespace = v.namespace(fsys, proc)
		v.Controllers = v.controllers(fsys)
	}
	return v
}

// readProc reads the two files that all else stands on.
func (v *View) readProc(fsys fs.FS, proc string) error {
	text, err := readFile(fsys, "/proc/self/mountinfo")
	if err != nil {
		return fmt.Errorf("reading /proc/self/mountinfo: %w", err)
	}
	if v.Mounts, err = ParseMounts(text); err != nil {
		return err
	}
	v.Mode, v.Emulated = modeOf(v.Mounts)
	if text, err = readFile(fsys, "/proc/"+proc+"/cgroup"); err != nil {
		return fmt.Errorf("reading /proc/%s/cgroup: %w", proc, err)
	}
	v.Members, err = ParseMembers(text)
	return err
}

// modeOf judges by mounts alone: a kernel lists the line of v2 in /proc/self/cgroup
// although nobody mounted it, and v1's where a container shows none.
func modeOf(mounts []Mount) (mode Mode, emulated bool) {
	var v1, v2 bool
	for _, m := range mounts {
		if m.Version == 2 {
			v2 = true
			continue
		}
		emulated = emulated || slices.Contains(m.Controllers, "job")
		// A named hierarchy has no controller: systemd keeps one beside v2.
		v1 = v1 || slices.ContainsFunc(m.Controllers, isController)
	}
	switch {
	case v1 && v2:
		return ModeHybrid, emulated
	case v1:
		return ModeV1, emulated
	case v2:
		return ModeV2, emulated
	}
	return ModeNone, emulated
}

func isController(name string) bool { return len(name) < 5 || name[:5] != "name=" }

// controllers are those of the own v2 group.
func (v *View) controllers(fsys fs.FS) []string {
	p := v.place(fsys, "") // no hierarchy of v1 has it, so that v2's is found
	if p.Version != 2 || p.Err != nil {
		return nil
	}
	return readWords(fsys, p.Dir()+"/cgroup.controllers")
}
