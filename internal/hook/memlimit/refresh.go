package memlimit

import (
	"math"
	"runtime/debug"
	"time"
)

// plimsollMemlimitFollow looks again every so many seconds, as long as nobody else has set a
// limit since: a container can be resized while it runs. An operator's GOMEMLIMIT is never
// touched here either. It returns a value for a variable, and goes on by itself.
//
//go:noinline
func plimsollMemlimitFollow(root string, seconds int64) bool {
	set := debug.SetMemoryLimit(-1)
	if plimsollMemlimitOperator() {
		return false
	}
	go func() {
		for {
			time.Sleep(time.Duration(seconds) * time.Second)
			if debug.SetMemoryLimit(-1) != set {
				return
			}
			set = plimsollMemlimitAgain(root, set)
		}
	}()
	return true
}

// plimsollMemlimitAgain sets the limit anew if it changed, and returns what is set. Where
// nothing can be read (no file descriptor is left, /proc is out of sight), what is set stays.
func plimsollMemlimitAgain(root string, set int64) int64 {
	if _, why := plimsollMemlimitRead(root + "/proc/self/cgroup"); why != "" {
		return set
	}
	limit, _ := plimsollMemlimitChoose(root)
	if limit == 0 {
		limit = math.MaxInt64
	}
	if limit != set {
		debug.SetMemoryLimit(limit)
	}
	return limit
}
