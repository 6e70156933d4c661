package plan

import "time"

// What a rehearsal expects of the service.
const (
	// ExpectReady is that it still runs when the time is over.
	ExpectReady = "ready"
	// ExpectExit0 is that it ends with exit code 0 before that.
	ExpectExit0 = "exit0"
)

// Rehearsal says how a plan's image is tried before it is shipped. It stands beside the
// plan, in no label and no digest: the image is the same with and without it.
type Rehearsal struct {
	// Argv is the whole command line: the image's entrypoint with the rehearsal's arguments.
	Argv []string `json:"argv"`
	// Env, Dir, UID and GID are the image config's.
	Env []string `json:"env,omitempty"`
	Dir string   `json:"dir,omitempty"`
	UID int      `json:"uid"`
	GID int      `json:"gid"`
	// For is how long it is watched at most, in nanoseconds.
	For time.Duration `json:"for"`
	// Expect is ExpectReady or ExpectExit0.
	Expect string `json:"expect"`
	// MemoryMax is the limit in bytes, CPUMax in thousandths of a CPU; 0 for none.
	MemoryMax int64 `json:"memoryMax,omitempty"`
	CPUMax    int64 `json:"cpuMax,omitempty"`
	// Cgroup2 demands cgroup v2.
	Cgroup2 bool `json:"cgroup2,omitempty"`
}
