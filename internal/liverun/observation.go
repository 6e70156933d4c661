package liverun

import (
	"time"

	"github.com/plimsoll-build/plimsoll/internal/cgroup"
)

// Observation is what was seen of one run.
type Observation struct {
	// Runtime is its name and version, as it says itself.
	Runtime string
	// Asked are the limits that the runtime was given.
	Asked Limits
	// Lived reports whether the service still ran after Waited; else Exit is its code
	// (128 and the signal, if it was one).
	Lived  bool
	Exit   int
	Waited time.Duration
	// Log is the end of what the service wrote to stderr, without the lines that were
	// asked of the runtime and the hook.
	Log string
	// MaxProcs is the last GOMAXPROCS that the Go runtime said; zero if it said none.
	MaxProcs int
	// Hook is the line of the start-up hook, empty if there was none.
	Hook string
	// Process is what /proc said; nil if the process could not be seen from here, as
	// behind the virtual machine of a desktop engine, or after a quick end.
	Process *Process
	// Metrics are samples of the service's metrics, by name; nil if none were asked for.
	Metrics map[string]float64
	// MetricsErr is why they could not be read.
	MetricsErr error
}

// Process is a running service as the host sees it.
type Process struct {
	// Env is its environment, without what was added to watch it.
	Env []string
	// UID and GID are the effective ones, as the container's user namespace numbers them; -1
	// for one that it does not map.
	UID, GID int
	// Root is how its root is mounted: "ro" or "rw"; empty if that could not be read.
	Root string
	// Holds are the quota files that it holds open. The Go runtime keeps the one that it
	// follows; a go line below 1.25 lets it go.
	Holds []string
	// Group is its control group, seen through the host's mounts.
	Group *cgroup.View
	// Inside are the cgroup mounts that it sees itself.
	Inside []cgroup.Mount
	// Private reports whether its cgroup namespace is not this process's.
	Private bool
	// Peak is the most memory that its group had, in bytes; zero if not known.
	Peak int64
	// Kills are the processes of the group that the kernel killed for lack of memory.
	Kills int64
}
