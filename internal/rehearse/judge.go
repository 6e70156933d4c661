package rehearse

import (
	"github.com/plimsoll-build/plimsoll/internal/cgroup"
	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// killedBySignal is the exit code of a container whose process got SIGKILL.
const killedBySignal = 128 + 9

// Judge is the verdict on a service that still ran when its time was over, or had ended with
// that exit code (128 and the signal, if it was one). killed says that the kernel has killed
// in its group for lack of memory.
func Judge(r plan.Rehearsal, lived bool, exit int, killed bool) Outcome {
	switch {
	case !lived && exit == killedBySignal && killed:
		return Killed
	case r.Expect == plan.ExpectExit0 && lived:
		return Late
	case lived:
		return Passed
	case exit != 0:
		return Failed
	case r.Expect == plan.ExpectReady:
		return Ended
	}
	return Passed
}

// Possible says whether a rehearsal in that group means anything. A limit that is not there,
// or a laxer one (two builds that share a vertex get the laxer of theirs), would let
// everything pass.
func Possible(v *cgroup.View, r plan.Rehearsal) Outcome {
	limits := r.MemoryMax > 0 || r.CPUMax > 0
	memory, cpu := v.Memory.Max, v.CPU.Quota
	switch {
	case v.Emulated && limits:
		return Emulated
	case r.Cgroup2 && v.Mode != cgroup.ModeV2:
		return NoCgroup2
	case r.MemoryMax > 0 && (!memory.Limited() || memory.Value > r.MemoryMax):
		return NoLimits
	case r.CPUMax > 0 && (!cpu.Limited() || cpu.Cores()*1000 > float64(r.CPUMax)+0.5):
		return NoLimits
	}
	return Passed
}
