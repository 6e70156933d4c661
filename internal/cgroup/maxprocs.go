package cgroup

import (
	"fmt"
	"io/fs"
	"math"
	"slices"
)

// MaxProcs is what Go takes for GOMAXPROCS if nobody sets it.
type MaxProcs struct {
	// Go is of a program whose go line is 1.25 or newer.
	Go int
	// Old is of one with an older go line, whatever compiled it: the CPUs alone.
	Old int
	// Quota is what the runtime reads; Limited if it counts.
	Quota Quota
	// Why says in a sentence how Go came about.
	Why string
}

// MaxProcs is what the runtime would take with that many CPUs in its affinity mask,
// which must be known from elsewhere (runtime.NumCPU, or len(v.CPU.Allowed)). As the
// runtime does, it looks at the first matching mount and the own group alone: a quota
// of an ancestor does not count. The source is internal/runtime/cgroup and
// adjustCgroupGOMAXPROCS in runtime/cgroup_linux.go of Go 1.26.
func (v *View) MaxProcs(cpus int) MaxProcs {
	r := MaxProcs{Go: cpus, Old: cpus, Quota: v.goQuota}
	switch q := r.Quota; {
	case q.Err != nil:
		r.Why = fmt.Sprintf("all %d CPUs of the affinity mask: the runtime finds no quota (%s)", cpus, Reason(q.Err))
	case q.Unlimited:
		r.Why = fmt.Sprintf("all %d CPUs of the affinity mask: %s sets no quota", cpus, q.File)
	default:
		// The runtime converts to 32 bits; a quota beyond them is not below any mask.
		limit := int(min(math.Max(math.Ceil(q.Cores()), 2), math.MaxInt32))
		r.Go = min(limit, cpus)
		r.Why = fmt.Sprintf("the quota of %.4g CPUs in %s, rounded up, at least 2 and at most the %d CPUs of the affinity mask", q.Cores(), q.File, cpus)
	}
	return r
}

// readGoQuota reads the quota as the runtime does: the first mount that holds the own
// group decides, readable or not.
func (v *View) readGoQuota(fsys fs.FS) Quota {
	if v.Err != nil {
		return Quota{Err: v.Err}
	}
	m, ok := memberOf(v.Members, "cpu")
	if !ok {
		return Quota{Err: ErrNoMember}
	}
	version := 1
	if m.V2() {
		version = 2
	}
	err := ErrNoMount
	for _, mount := range v.Mounts {
		if mount.Version != version || version == 1 && !slices.Contains(mount.Controllers, "cpu") {
			continue
		}
		dir, ok := mount.dirOf(m.Path)
		if !ok {
			err = ErrOutside
			continue
		}
		return readQuota(fsys, version, dir)
	}
	return Quota{Err: err}
}
