// Package cgroup is what a process can know of its control groups: which version is
// mounted where, which directory is its own, which limits hold there and above, and
// what the Go runtime makes of them.
//
// It reads a file tree that is rooted at "/" (os.DirFS("/") at run time, a recorded
// tree in tests) and nothing else: no system call, no environment, no clock. What it
// cannot know it leaves unknown, with the reason; it never guesses and never fails.
// It knows nothing of images, labels or GOMEMLIMIT's arithmetic.
//
//	v := cgroup.Read(os.DirFS("/"))
//	v.Memory.Max     // the lowest of the visible ancestors, and the file it was read from
//	v.MaxProcs(8)    // what Go would take for GOMAXPROCS on eight CPUs, and why
//
// Sources: man 7 cgroups, man 5 proc_pid_mountinfo, the kernel's cgroup-v2.rst and
// cgroup-v1/memory.rst; for MaxProcs the Go runtime's own internal/runtime/cgroup.
package cgroup
