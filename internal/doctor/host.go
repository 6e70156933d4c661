package doctor

import (
	"fmt"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/cgroup"
)

// swap judges swap space under a limit.
func (e *exam) swap(f *Finding) {
	total := ""
	if text, err := e.read("/proc/meminfo"); err == nil {
		for line := range strings.Lines(text) {
			if value, ok := strings.CutPrefix(line, "SwapTotal:"); ok {
				total = strings.TrimSpace(value)
				f.see("/proc/meminfo", "SwapTotal "+total)
			}
		}
	}
	var own cgroup.Reading
	if len(e.view.Memory.Levels) > 0 {
		own = e.view.Memory.Levels[0].SwapMax
	}
	if own.Known() {
		f.see(own.File, size(own))
	}
	switch {
	case total == "":
		f.say(Unknown, "whether there is swap space is not known")
	case strings.HasPrefix(total, "0 "):
		f.say(OK, "no swap space")
	case own.Limited() && own.Value == 0:
		f.say(OK, "the group may not swap")
	case e.view.Memory.Max.Limited():
		f.say(Note, "swap space of %s, and the group may use it", total)
		f.advise("a service beyond its limit is not killed but crawls; the collector touches all of the heap", "memory.swap.max 0, as Kubernetes and docker run --memory-swap with the limit's value do")
	default:
		f.say(OK, "swap space of %s", total)
	}
}

// numa holds the memory nodes against the CPUs of the process.
func (e *exam) numa(f *Finding) {
	text, err := e.read("/sys/devices/system/node/online")
	nodes, parse := cgroup.ParseList(text)
	if err != nil || parse != nil || len(nodes) == 0 {
		f.say(OK, "memory nodes do not show here")
		return
	}
	f.see("/sys/devices/system/node/online", brief(text))
	if len(nodes) == 1 {
		f.say(OK, "one memory node")
		return
	}
	allowed, mems := toSet(e.view.CPU.Allowed), toSet(e.view.CPU.AllowedMems)
	var used, without []string
	for _, n := range nodes {
		list, _ := e.read(fmt.Sprintf("/sys/devices/system/node/node%d/cpulist", n))
		cpus, _ := cgroup.ParseList(list)
		if !intersects(cpus, allowed) {
			continue
		}
		f.see(fmt.Sprintf("/sys/devices/system/node/node%d/cpulist", n), brief(list))
		used = append(used, fmt.Sprint(n))
		if len(mems) > 0 && !mems[n] {
			without = append(without, fmt.Sprint(n))
		}
	}
	switch {
	case len(without) > 0:
		f.say(Warn, "CPUs of node %s, but not its memory", strings.Join(without, ", "))
		f.advise("every access goes to another node", "give cpuset.cpus and cpuset.mems the same nodes")
	case len(used) > 1:
		f.say(Note, "CPUs of %d memory nodes", len(used))
		f.advise("Go does not know nodes: goroutines and their memory move between them", "a cpuset of one node for each instance, if latency matters")
	default:
		f.say(OK, "CPUs of one memory node of %d", len(nodes))
	}
}

func toSet(list []int) map[int]bool {
	set := map[int]bool{}
	for _, n := range list {
		set[n] = true
	}
	return set
}

func intersects(list []int, set map[int]bool) bool {
	for _, n := range list {
		if set[n] {
			return true
		}
	}
	return false
}
