package spec

import (
	"regexp"
	"strconv"
	"strings"
)

// rehearsalTime is a time that a build can be asked to wait.
var rehearsalTime = regexp.MustCompile(`^([1-9][0-9]{0,5})(ms|s|m)$`)

// maxRehearsal bounds it, in milliseconds: a build is no place for a load test.
const maxRehearsal = 10 * 60 * 1000

// leastCPU is the smallest CPU limit that a rehearsal can set, in thousandths of a CPU: the
// kernel takes no quota below 1 ms, and the period is 100 ms.
const leastCPU = 10

func (c *checker) rehearse(r *Rehearse, cpu CPU) {
	if r == nil {
		return
	}
	if cpu.Max > 0 && cpu.Max < leastCPU {
		c.bad("runtime.cpu.max", "10m", "cpu.max is %dm, and rehearse cannot set a limit below %dm, which is the kernel's least", cpu.Max, leastCPU)
	}
	const path = "runtime.rehearse"
	c.oneOf(path+".expect", r.Expect, "ready", "exit0")
	for i, arg := range r.Args {
		if strings.ContainsRune(arg, 0) {
			c.bad(path+".args["+strconv.Itoa(i)+"]", "", "an argument cannot hold a NUL")
		}
	}
	if r.For == "" || !c.match(path+".for", r.For, rehearsalTime, "a time such as 500ms, 2s or 1m") {
		return
	}
	parts := rehearsalTime.FindStringSubmatch(r.For)
	n, _ := strconv.Atoi(parts[1])
	if n*map[string]int{"ms": 1, "s": 1000, "m": 60_000}[parts[2]] > maxRehearsal {
		c.bad(path+".for", "10m", "%s is longer than 10m, which is the most that a build waits", r.For)
	}
}
