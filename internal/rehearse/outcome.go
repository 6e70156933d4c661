package rehearse

import (
	"fmt"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

// Outcome is how a rehearsal ended. Its number is the exit code of Command: no compiler ends
// with one of them, so that a build knows whose it is.
type Outcome int

// The outcomes. Those from NoLimits on are no verdict: the rehearsal could not be held.
const (
	Passed     Outcome = 0
	Killed     Outcome = 90 + iota // by the kernel, for its memory
	Ended                          // although it should have gone on
	Failed                         // ended with another exit code than 0
	Late                           // went on although it should have ended
	NotStarted                     // could not be started
	NoLimits                       // the daemon has not applied the limits
	Emulated                       // gVisor shows cgroups that are not the kernel's
	NoProgram                      // this machine cannot run programs of that architecture
	NoCgroup2                      // the spec demands cgroup v2
)

// Known reports whether a number is one of the outcomes.
func (o Outcome) Known() bool { return o == Passed || o >= Killed && o <= NoCgroup2 }

// Skipped reports whether there was no rehearsal.
func (o Outcome) Skipped() bool { return o >= NoLimits && o <= NoCgroup2 }

// Key is the key of the spec that an outcome is about.
func (o Outcome) Key() string {
	switch o {
	case Killed:
		return "runtime.memory.max"
	case NoCgroup2:
		return "runtime.cgroup"
	}
	return "runtime.rehearse"
}

// Explain says what an outcome means, in the words of the spec.
func (o Outcome) Explain(r plan.Rehearsal) string {
	command := strings.Join(r.Argv, " ")
	switch o {
	case Passed:
		return fmt.Sprintf("%s passed", command)
	case Killed:
		return fmt.Sprintf("%s was killed by the kernel (SIGKILL, which a container reports as exit code 137): it needs more memory than %s; raise runtime.memory.max, or make it use less",
			command, size(r.MemoryMax))
	case Ended:
		return fmt.Sprintf("%s ended before %s were over, and should have gone on; what it said is in the build log (with expect: exit0 it may end)", command, r.For)
	case Failed:
		return fmt.Sprintf("%s failed; its exit code and what it said are in the build log", command)
	case Late:
		return fmt.Sprintf("%s did not end within %s; with expect: ready it may go on", command, r.For)
	case NotStarted:
		return fmt.Sprintf("%s could not be started; the build log says why", command)
	case NoLimits:
		return "the daemon has not applied the limits (a rootless one cannot)"
	case Emulated:
		return "the daemon runs containers in gVisor, whose cgroups are not the kernel's"
	case NoProgram:
		return "the daemon cannot run programs of that architecture: it has no emulation for it"
	case NoCgroup2:
		return "the daemon's cgroups are not version 2, which runtime.cgroup demands"
	}
	return fmt.Sprintf("%s ended in a way that is not known (%d)", command, int(o))
}

// size is a limit in binary units.
func size(n int64) string {
	if n <= 0 {
		return "there is"
	}
	return tuning.RoundedSize(n)
}
