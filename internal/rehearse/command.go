//go:build unix

package rehearse

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/plimsoll-build/plimsoll/internal/cgroup"
	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// usage is the exit code of a command line that no build makes.
const usage = 2

// Command is the program inside a vertex: "rehearse REQUEST", where REQUEST is a
// plan.Rehearsal as JSON. It prints the report and returns an Outcome as exit code. It must
// be root of its container, to become the image's user.
func Command(args []string, out io.Writer) int {
	var r plan.Rehearsal
	if len(args) != 1 {
		fmt.Fprintln(out, "rehearse: wants REQUEST: only a build runs this, inside its own vertex")
		return usage
	}
	if err := json.Unmarshal([]byte(args[0]), &r); err != nil {
		fmt.Fprintln(out, "rehearse: reading the request:", err)
		return usage
	}
	return int(run(r, os.DirFS("/"), out))
}

// run holds the rehearsal. The tree is the one to read cgroups from.
func run(r plan.Rehearsal, fsys fs.FS, out io.Writer) Outcome {
	s := sighting{before: cgroup.Read(fsys)}
	if o := Possible(s.before, r); o != Passed {
		fmt.Fprintf(out, "no rehearsal: %s\n", o.Explain(r))
		s.after, s.ended = s.before, "not started"
		s.write(out, r)
		return o
	}
	l := &lines{out: out}
	cmd, err := start(r, out, l)
	if err != nil {
		fmt.Fprintf(out, "starting the service: %v\n", err)
		if errors.Is(err, syscall.ENOEXEC) && foreign(cmd) {
			return NoProgram
		}
		return NotStarted
	}
	preferred(cmd.Process.Pid)
	e := watch(cmd, r.For)
	l.end()
	s.after = cgroup.Read(fsys)
	s.procs, s.hook, s.resident, s.ended = l.procs, l.hook, e.resident, e.String()
	killed := s.after.Memory.Events["oom_kill"] > s.before.Memory.Events["oom_kill"]
	o := Judge(r, e.stopped, e.exit(), killed)
	if o == Killed {
		s.ended += ", by the kernel at the memory limit"
	}
	s.write(out, r)
	if o != Passed {
		fmt.Fprintln(out, o.Explain(r))
	}
	return o
}

// preferred makes the kernel kill the service before this program, which has to tell of it.
// Where that cannot be set, the larger of the two goes, which is the service as a rule.
func preferred(pid int) {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("1000"), 0)
}
