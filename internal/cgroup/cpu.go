package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"strings"
)

// CPU is the cpu controller, and the CPUs that the process may run on.
type CPU struct {
	Place
	// Levels are the quotas of the own group and of its visible ancestors, in the order
	// of Place.Dirs.
	Levels []Quota
	// Quota is the lowest of all levels; not Limited if there is none.
	Quota Quota
	// Weight is v2's cpu.weight (1 to 10000, 100 by default), or v1's cpu.shares (1024
	// by default), of the own group. Neither changes GOMAXPROCS.
	Weight Reading
	// Allowed are the CPUs of the affinity mask, Set those of the cpuset of the own group,
	// Mems its memory nodes, and AllowedMems those of the process. Empty is not known.
	Allowed, Set, Mems, AllowedMems []int
}

// Quota is CPU time per period.
type Quota struct {
	// File is cpu.max, or v1's cpu.cfs_quota_us.
	File string
	// Quota and Period are microseconds.
	Quota, Period int64
	// Unlimited is a file that says that there is no limit.
	Unlimited bool
	// Err is why nothing is known.
	Err error
}

// Limited reports whether there is a quota.
func (q Quota) Limited() bool { return q.File != "" && q.Err == nil && !q.Unlimited }

// Cores is the quota as a number of CPUs.
func (q Quota) Cores() float64 {
	if !q.Limited() {
		return math.Inf(1)
	}
	return float64(q.Quota) / float64(q.Period)
}

func readCPU(fsys fs.FS, p, set Place) CPU {
	c := CPU{Place: p}
	c.Quota.Err = p.Err
	for i, dir := range p.Dirs {
		q := readQuota(fsys, p.Version, dir)
		c.Levels = append(c.Levels, q)
		if i == 0 || q.Cores() < c.Quota.Cores() || c.Quota.Err != nil && q.Err == nil {
			c.Quota = q
		}
	}
	if p.Dir() != "" {
		c.Weight = readNumber(fsys, p.Dir()+map[int]string{1: "/cpu.shares", 2: "/cpu.weight"}[p.Version])
	} else {
		c.Weight.Err = p.Err
	}
	if set.Dir() != "" {
		// v1 has the plain names alone, and effective_ ones since 3.15.
		prefix := set.Dir() + "/cpuset."
		c.Set = firstList(fsys, prefix+"cpus.effective", prefix+"effective_cpus", prefix+"cpus")
		c.Mems = firstList(fsys, prefix+"mems.effective", prefix+"effective_mems", prefix+"mems")
	}
	return c
}

func readQuota(fsys fs.FS, version int, dir string) Quota {
	if version == 1 {
		return readV1Quota(fsys, dir)
	}
	q := Quota{File: dir + "/cpu.max"}
	text, err := readFile(fsys, q.File)
	if err != nil {
		q.Err = err
		return q
	}
	quota, period, _ := strings.Cut(strings.TrimSpace(text), " ")
	if quota == "max" {
		q.Unlimited = true
		return q
	}
	var errs [2]error
	q.Quota, errs[0] = strconv.ParseInt(quota, 10, 64)
	q.Period, errs[1] = strconv.ParseInt(period, 10, 64)
	return q.checked(errors.Join(errs[:]...), text)
}

func readV1Quota(fsys fs.FS, dir string) Quota {
	q := Quota{File: dir + "/cpu.cfs_quota_us"}
	quota := readNumber(fsys, q.File)
	if quota.Unlimited || quota.Err != nil {
		q.Unlimited, q.Err = quota.Unlimited, quota.Err
		return q
	}
	period := readNumber(fsys, dir+"/cpu.cfs_period_us")
	q.Quota, q.Period = quota.Value, period.Value
	return q.checked(period.Err, fmt.Sprintf("%d of %d", q.Quota, q.Period))
}

// checked refuses numbers that are no quota.
func (q Quota) checked(err error, text string) Quota {
	if err != nil || q.Quota <= 0 || q.Period <= 0 {
		q.Err = fmt.Errorf("%s: %q: %w", q.File, clip(strings.TrimSpace(text)), ErrMalformed)
	}
	return q
}

// readAffinity reads what sched_getaffinity would say from /proc/PID/status.
func (c *CPU) readAffinity(fsys fs.FS, proc string) {
	text, err := readFile(fsys, "/proc/"+proc+"/status")
	if err != nil {
		return
	}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(line, ":")
		switch key {
		case "Cpus_allowed_list":
			c.Allowed, _ = ParseList(value)
		case "Mems_allowed_list":
			c.AllowedMems, _ = ParseList(value)
		}
	}
}
