package rehearse

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/plimsoll-build/plimsoll/internal/cgroup"
	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

// sighting is what was seen of a rehearsal.
type sighting struct {
	before, after *cgroup.View
	procs, hook   string // what the service says
	resident      int64  // peak resident memory of the service in bytes; 0 if it is not known
	ended         string
}

// write prints the report of a rehearsal.
func (s sighting) write(out io.Writer, r plan.Rehearsal) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(w, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row("rehearsal", "%s, for %s, expecting %s", strings.Join(r.Argv, " "), r.For, r.Expect)
	row("cgroup", "%s", mode(s.before))
	row("memory.max", "%s, declared %s", reading(s.before.Memory.Max), declared(r.MemoryMax, tuning.RoundedSize))
	row("cpu.max", "%s, declared %s", quota(s.before.CPU.Quota), declared(r.CPUMax, tuning.FormatCores))
	row("GOMAXPROCS", "%s", cmp.Or(s.procs, "unknown: the service did not print it"))
	row("GOMEMLIMIT", "%s", s.memoryLimit(r))
	row("peak memory", "%s", s.peak())
	row("ended", "%s", s.ended)
	_ = w.Flush()
}

func mode(v *cgroup.View) string {
	text := string(v.Mode)
	if v.Err != nil {
		return text + " (" + cgroup.Reason(v.Err) + ")"
	}
	if dir := v.Memory.Dir(); dir != "" {
		text += ", " + map[bool]string{true: "read-only", false: "writable"}[v.Memory.ReadOnly] + " at " + dir
	}
	return text
}

func reading(r cgroup.Reading) string {
	switch {
	case r.Limited():
		return tuning.RoundedSize(r.Value)
	case r.Known():
		return "no limit"
	}
	return "unknown (" + cgroup.Reason(r.Err) + ")"
}

func quota(q cgroup.Quota) string {
	switch {
	case q.Limited():
		return fmt.Sprintf("%.4g CPUs", q.Cores())
	case q.Unlimited:
		return "no limit"
	}
	return "unknown (" + cgroup.Reason(q.Err) + ")"
}

func declared(n int64, format func(int64) string) string {
	if n == 0 {
		return "none"
	}
	return format(n)
}

// memoryLimit is the limit that the service's collector works against.
func (s sighting) memoryLimit(r plan.Rehearsal) string {
	if s.hook != "" {
		return "by the start-up hook: " + s.hook
	}
	text := lookup(r.Env, "GOMEMLIMIT")
	if n, err := tuning.ParseMemLimit(text); err == nil && text != "" && text != "off" {
		return tuning.RoundedSize(n) + ", from the environment"
	}
	return "off"
}

func (s sighting) peak() string {
	text := "unknown"
	if s.resident > 0 {
		text = tuning.RoundedSize(s.resident) + " resident"
	}
	if p := s.after.Memory.Peak; p.Limited() {
		text += ", " + tuning.RoundedSize(p.Value) + " of the whole cgroup with the probe and page cache"
	}
	return text
}
