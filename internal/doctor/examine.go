package doctor

import (
	"io"
	"io/fs"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/cgroup"
)

// exam is one host while it is looked at.
type exam struct {
	fsys   fs.FS
	view   *cgroup.View
	env    map[string]string
	places []Place
	seen   []Evidence // of the places
}

// check is one row of the table of findings.
type check struct {
	name  string
	judge func(*exam, *Finding)
}

func checks() []check {
	return []check{
		{"place", (*exam).place},
		{"kernel", (*exam).kernel},
		{"cgroup", (*exam).cgroupMode},
		{"cgroup-mount", (*exam).cgroupMount},
		{"namespace", (*exam).namespace},
		{"controllers", (*exam).controllers},
		{"driver", (*exam).driver},
		{"cpu", (*exam).cpu},
		{"gomaxprocs", (*exam).maxProcs},
		{"memory", (*exam).memory},
		{"memory-high", (*exam).memoryHigh},
		{"gomemlimit", (*exam).memLimit},
		{"memory-events", (*exam).memoryEvents},
		{"swap", (*exam).swap},
		{"numa", (*exam).numa},
		{"pids", (*exam).pids},
		{"security", (*exam).security},
	}
}

// Examine looks at the host or container whose root the tree is, as the process that
// /proc/self names.
func Examine(fsys fs.FS) Report {
	e := &exam{fsys: fsys, view: cgroup.Read(fsys), env: environment(fsys)}
	e.recognise()
	r := Report{Places: append([]Place{}, e.places...)}
	for _, c := range checks() {
		f := Finding{Name: c.name, Verdict: OK}
		c.judge(e, &f)
		r.Findings = append(r.Findings, f)
	}
	return r
}

// maxText is more than any file that is read here holds, in bytes.
const maxText = 1 << 20

// read is a file's text without the last newline, and whether it could be read.
func (e *exam) read(name string) (string, error) { return readText(e.fsys, name) }

func readText(fsys fs.FS, name string) (string, error) {
	f, err := fsys.Open(strings.TrimPrefix(name, "/"))
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxText))
	return strings.TrimRight(string(data), "\n\x00"), err
}

// readInto reads a file as evidence of a finding, readable or not.
func (e *exam) readInto(f *Finding, name string) (string, bool) {
	text, err := e.read(name)
	if err != nil {
		f.see(name, cgroup.Reason(err))
		return "", false
	}
	f.see(name, brief(text))
	return text, true
}

// brief is the first line of a text, cut where it is long.
func brief(text string) string {
	line, _, more := strings.Cut(text, "\n")
	if r := []rune(line); len(r) > 120 {
		return string(r[:120]) + "…"
	}
	if more {
		line += " …"
	}
	return line
}

// environment is that of the process at its start. It is evidence by name alone;
// values are shown of the runtime's variables only.
func environment(fsys fs.FS) map[string]string {
	env := map[string]string{}
	text, _ := readText(fsys, "/proc/self/environ")
	for v := range strings.SplitSeq(text, "\x00") {
		if name, value, ok := strings.Cut(v, "="); ok {
			env[name] = value
		}
	}
	return env
}
