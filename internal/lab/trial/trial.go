// Package trial holds what the lab's two sides say to each other: what the guest is to run,
// and what came of it. It must not know how either side does its part.
package trial

// Trial is one run of one program in a container that the guest makes.
type Trial struct {
	Name    string
	Root    string   // the container's root file system, a directory of the guest
	Command []string // path within Root, then arguments
	Env     []string // complete
	UID     int      // also the group
	// Groups are the control groups, outermost first, each within the one before; the
	// program runs in the last. Names are unique among trials that run at the same time.
	Groups    []Group
	Namespace Namespace
	View      View
	Deny      []string // files that exist in the container and that nobody but root may read
	CPUs      int      // how many processors the program may run on; 0 is all
	// Change is written to files of the innermost group when the program has printed its
	// first line.
	Change map[string]string
	// Crun has crun make the container, the innermost group included; View, Deny, CPUs and
	// Change are not for it.
	Crun bool
	// Beside lets the trial run at the same time as the others: for those that mostly wait.
	Beside bool
}

// Group is a control group: its name, which has no slash, and what is written to its files.
type Group struct {
	Name   string
	Limits map[string]string
}

// Namespace says which control group the program sees as the root.
type Namespace string

// The two forms that container engines have.
const (
	Private Namespace = "private" // its own, the default of engines on cgroup v2
	Host    Namespace = "host"
)

// View says what of /sys the container has.
type View string

// The views, as container engines, or recipes for them, make them.
const (
	ReadOnly  View = "ro"     // the default of engines
	ReadWrite View = "rw"     // privileged containers
	NoCgroup  View = "none"   // /sys without a mount of the control groups
	Masked    View = "masked" // an empty directory mounted over them
	NoSys     View = "nosys"  // no /sys at all
	HostBind  View = "bind"   // -v /sys/fs/cgroup:/sys/fs/cgroup
)

// Result is what came of a trial.
type Result struct {
	Name string
	// Exit is the program's exit code, 128 + N if signal N ended it.
	Exit        int
	Out, Err    string           // what it printed
	Events      map[string]int64 // memory.events of the innermost group that outlives the program
	LabError    string           `json:",omitempty"` // why the guest could not run it
	Kernel      string           `json:",omitempty"` // only in the last line: the guest's release
	Controllers string           `json:",omitempty"` // only in the last line: of the root group
}

// Files of the guest that both sides name.
const (
	TrialsFile = "/trials.json"
	ImagesDir  = "/images"
	ResultsTTY = "/dev/ttyS1"
)
