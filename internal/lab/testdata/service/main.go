// Command service is what the lab runs in its containers. It says what the Go runtime made
// of its limits, or does with memory what its arguments say.
package main

import (
	"encoding/json"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// report is one line of output.
type report struct {
	MaxProcs  int    `json:"maxprocs"`
	Limit     int64  `json:"limit"` // bytes, the runtime's
	GOGC      int    `json:"gogc"`
	Cgroup    string `json:"cgroup"`             // the line of version 2 in /proc/self/cgroup, or why not
	Mounts    string `json:"mounts"`             // the roots of the cgroup2 mounts in /proc/self/mountinfo
	LeafFile  bool   `json:"leafFile"`           // /sys/fs/cgroup/memory.max is there
	Collected uint32 `json:"collected"`          // garbage collections so far
	Allocated uint64 `json:"allocated,omitzero"` // MiB, of garbage
}

func main() {
	verb := "report"
	if len(os.Args) > 1 {
		verb = os.Args[1]
	}
	switch verb {
	case "report":
		print(state())
	case "follow":
		follow()
	case "churn":
		churn(number(2), number(3))
	default:
		os.Exit(64)
	}
}

func number(i int) int {
	n, err := strconv.Atoi(os.Args[i])
	if err != nil {
		panic(err)
	}
	return n
}

// follow prints the state, and again when GOMAXPROCS is another. It gives up long after
// the runtime should have seen a change, so that a machine that waits for it ends.
func follow() {
	first := state()
	print(first)
	for range 600 {
		time.Sleep(100 * time.Millisecond)
		if runtime.GOMAXPROCS(0) != first.MaxProcs {
			break
		}
	}
	print(state())
}

// churn holds live MiB, allocates garbage MiB, writes to every page of both, and prints
// the state.
func churn(live, garbage int) {
	held := make([][]byte, live)
	for i := range held {
		held[i] = chunk()
	}
	for range garbage {
		dropped = chunk()
	}
	r := state()
	r.Allocated = uint64(garbage)
	print(r)
	runtime.KeepAlive(held)
}

// dropped keeps the compiler from allocating garbage on the stack.
var dropped []byte

func chunk() []byte {
	b := make([]byte, 1<<20)
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
	return b
}

func state() report {
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	gogc := debug.SetGCPercent(100)
	debug.SetGCPercent(gogc)
	_, err := os.Stat("/sys/fs/cgroup/memory.max")
	return report{
		MaxProcs: runtime.GOMAXPROCS(0), Limit: debug.SetMemoryLimit(-1), GOGC: gogc,
		Cgroup: group(), Mounts: roots(), LeafFile: err == nil, Collected: mem.NumGC,
	}
}

func group() string {
	data, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return reason(err)
	}
	for line := range strings.SplitSeq(string(data), "\n") {
		if strings.HasPrefix(line, "0::") {
			return line
		}
	}
	return "none"
}

func roots() string {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return reason(err)
	}
	var found []string
	for line := range strings.SplitSeq(string(data), "\n") {
		if before, after, ok := strings.Cut(line, " - "); ok && strings.HasPrefix(after, "cgroup2 ") {
			found = append(found, strings.Fields(before)[3])
		}
	}
	return strings.Join(found, " ")
}

func reason(err error) string {
	if os.IsPermission(err) {
		return "permission denied"
	}
	return err.Error()
}

func print(r report) {
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		panic(err)
	}
}
