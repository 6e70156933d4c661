package tuning

import "slices"

// Prefix is the namespace of our labels; specs and flags may not write into it.
const Prefix = "build.plimsoll."

// ContractVersion is the value of LabelVersion: the version of the label set.
const ContractVersion = "1"

// Our labels. Each is also an annotation on the platform's manifest.
const (
	LabelVersion    = Prefix + "version"
	LabelSpecDigest = Prefix + "spec-digest"
	LabelPlanDigest = Prefix + "plan-digest"
	LabelBinaries   = Prefix + "binaries"
	LabelGo         = Prefix + "go"
	LabelStatic     = Prefix + "static"
	LabelVariant    = Prefix + "variant"
	LabelSeal       = Prefix + "seal"
	LabelHook       = Prefix + "hook"

	LabelMemLimit   = Prefix + "runtime.gomemlimit"
	LabelMaxProcs   = Prefix + "runtime.gomaxprocs"
	LabelGOGC       = Prefix + "runtime.gogc"
	LabelGODEBUG    = Prefix + "runtime.godebug"
	LabelMemoryMax  = Prefix + "runtime.memory.max"
	LabelMemoryHigh = Prefix + "runtime.memory.high"
	LabelCPUMax     = Prefix + "runtime.cpu.max"
	LabelCPUWeight  = Prefix + "runtime.cpu.weight"
	LabelCPUSet     = Prefix + "runtime.cpu.set"
	LabelPids       = Prefix + "runtime.pids"
	LabelCgroup     = Prefix + "runtime.cgroup"
)

// Required are the labels that every image of ours carries.
func Required() []string {
	return []string{LabelVersion, LabelSpecDigest, LabelPlanDigest, LabelBinaries, LabelGo,
		LabelStatic, LabelVariant, LabelSeal, LabelMemLimit, LabelMaxProcs, LabelCgroup}
}

// Known reports whether key is a label of this contract version.
func Known(key string) bool {
	return slices.Contains(Required(), key) || slices.Contains([]string{LabelHook, LabelGOGC, LabelGODEBUG,
		LabelMemoryMax, LabelMemoryHigh, LabelCPUMax, LabelCPUWeight, LabelCPUSet, LabelPids}, key)
}
