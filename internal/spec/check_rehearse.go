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

func (c *checker) rehearse(r *Rehearse) {
	if r == nil {
		return
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
