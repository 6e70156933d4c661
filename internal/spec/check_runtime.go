package spec

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

var (
	digits      = regexp.MustCompile(`^[0-9]+$`)
	refreshTime = regexp.MustCompile(`^[1-9][0-9]{0,3}[sm]$`)
	cpuList     = regexp.MustCompile(`^[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*$`)
)

func (c *checker) runtime(r Runtime) {
	c.memory(r)
	c.cpu(r.CPU)
	if r.Gomaxprocs != "" && r.Gomaxprocs != "auto" {
		if n, err := tuning.ParseMaxProcs(r.Gomaxprocs); err != nil || !digits.MatchString(r.Gomaxprocs) || n < 1 {
			c.bad("runtime.gomaxprocs", nearest(r.Gomaxprocs, []string{"auto"}), "%s is neither auto nor a whole number above 0", quote(r.Gomaxprocs))
		}
	}
	c.gogc(r)
	c.godebug(r.Godebug)
	if c.has("runtime.pids") && r.Pids < 1 {
		c.bad("runtime.pids", "", "the limit of processes is %d; the least is 1", r.Pids)
	}
	c.oneOf("runtime.cgroup", r.Cgroup, "any", "v2")
	c.rehearse(r.Rehearse, r.CPU)
}

func (c *checker) memory(r Runtime) {
	const path = "runtime.memory"
	m := r.Memory
	for key, size := range map[string]Size{"max": m.Max, "high": m.High} {
		if at := path + "." + key; c.has(at) && size == 0 {
			c.bad(at, "", "the limit is zero: leave the key out for no limit")
		}
	}
	c.oneOf("runtime.memlimit", r.Memlimit, "env", "auto", "off")
	if c.memoryBroken() {
		return // what follows would be a consequence
	}
	declared := m.Max > 0 || m.High > 0
	switch {
	case declared:
		c.memLimit(r)
	case r.Memlimit == "env":
		c.fail("runtime.memlimit", "needs-memory", "", "memlimit: env computes GOMEMLIMIT from runtime.memory.max or high, and there is neither")
	}
	if r.Memlimit == "auto" && m.Headroom != nil && *m.Headroom == 0 {
		c.fail(path+".headroom", "memory-limits", "", "without headroom GOMEMLIMIT would be the container's limit, where the kernel kills before the collector acts")
	}
	if m.Refresh != "" && r.Memlimit != "auto" {
		c.fail(path+".refresh", "needs-auto", "", "refresh has no effect without memlimit: auto, which reads the limit")
	} else if m.Refresh != "" {
		c.match(path+".refresh", m.Refresh, refreshTime, "a time such as 30s or 5m")
	}
	for key, set := range map[string]bool{"headroom": m.Headroom != nil, "nonGo": m.NonGo > 0} {
		if set && !declared && r.Memlimit != "auto" {
			c.fail(path+"."+key, "needs-memory", "", "%s has no effect without runtime.memory.max or high", key)
		}
	}
}

// RefreshSeconds is Refresh in seconds; 0 for never.
func (m Memory) RefreshSeconds() int {
	n, _ := strconv.Atoi(strings.TrimRight(m.Refresh, "sm"))
	if strings.HasSuffix(m.Refresh, "m") {
		n *= 60
	}
	return n
}

func (c *checker) memoryBroken() bool {
	return slices.ContainsFunc([]string{"max", "high", "headroom", "nonGo"}, func(key string) bool { return c.broken("runtime.memory." + key) })
}

// memLimit reports what the arithmetic refuses. Without GOMEMLIMIT only the order
// of the two limits counts.
func (c *checker) memLimit(r Runtime) {
	m := tuning.Memory{Max: int64(r.Memory.Max), High: int64(r.Memory.High), NonGo: int64(r.Memory.NonGo), Headroom: tuning.DefaultHeadroom}
	if r.Memory.Headroom != nil {
		m.Headroom = int(*r.Memory.Headroom)
	}
	at := "runtime.memory"
	above := m.Max > 0 && m.High > m.Max
	if above {
		at = "runtime.memory.high"
	} else if r.Memlimit == "off" {
		return
	}
	if _, err := tuning.MemLimit(m); err != nil {
		c.fail(at, "memory-limits", "", "%s", err)
	}
}

func (c *checker) cpu(cpu CPU) {
	if c.has("runtime.cpu.weight") && (cpu.Weight < 1 || cpu.Weight > 10000) {
		c.bad("runtime.cpu.weight", "", "the weight %d is not from 1 to 10000", cpu.Weight)
	}
	if cpu.Set == "" || !c.match("runtime.cpu.set", cpu.Set, cpuList, `a list of processors such as "0-3" or "0,2"`) {
		return
	}
	for part := range strings.SplitSeq(cpu.Set, ",") {
		from, to, isRange := strings.Cut(part, "-")
		first, _ := strconv.Atoi(from)
		last, _ := strconv.Atoi(to)
		if isRange && last < first {
			c.bad("runtime.cpu.set", to+"-"+from, "the range %s runs backwards", part)
		}
	}
}

func (c *checker) gogc(r Runtime) {
	if r.Gogc == "" {
		return
	}
	percent, err := tuning.ParseGOGC(r.Gogc)
	switch {
	case r.Gogc == "off":
		if r.Memlimit == "auto" {
			c.fail("runtime.gogc", "needs-memory", "", "gogc: off with memlimit: auto never collects in a container without a limit: use memlimit: env, or leave gogc out")
		} else if (r.Memory.Max == 0 && r.Memory.High == 0 || r.Memlimit == "off") && !c.memoryBroken() {
			c.fail("runtime.gogc", "needs-memory", "", "gogc: off without GOMEMLIMIT never collects: set runtime.memory.max, and leave memlimit on")
		}
	case strings.HasSuffix(r.Gogc, "%") && digits.MatchString(r.Gogc[:len(r.Gogc)-1]):
		c.bad("runtime.gogc", r.Gogc[:len(r.Gogc)-1], "the percentage stands without its sign: the Go runtime would silently ignore it")
	case err != nil || percent < 0 || !digits.MatchString(r.Gogc):
		c.bad("runtime.gogc", nearest(r.Gogc, []string{"off"}), "%s is neither a whole number of percent nor off", quote(r.Gogc))
	}
}

// notGODEBUG are the characters that no value of GODEBUG has: those that part settings, and
// those that would end a //go:debug line.
func notGODEBUG(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`,;="'`, r) }

func (c *checker) godebug(settings map[string]string) {
	for _, key := range sortedKeys(settings) {
		at := joinKey("runtime.godebug", key)
		value := settings[key]
		switch {
		case !tuning.KnownGODEBUG(key):
			c.failKey(at, "unknown-godebug", nearest(key, tuning.KnownGODEBUGs()), "no Go release up to ours knows the GODEBUG setting %s", quote(key))
		case value == "" || strings.ContainsFunc(value, notGODEBUG):
			c.bad(at, "", "%s is not a value of GODEBUG", quote(value))
		}
	}
}
