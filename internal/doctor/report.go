package doctor

import (
	"fmt"
	"slices"
)

// Verdict is what a finding means for a Go service.
type Verdict string

// The verdicts. A note is worth knowing, a warning worth changing; Unknown is what
// could not be read.
const (
	OK      Verdict = "ok"
	Note    Verdict = "note"
	Warn    Verdict = "warn"
	Unknown Verdict = "unknown"
)

// Evidence is a file, or a variable of the environment, and what it says.
type Evidence struct {
	// Source is an absolute path, or "env NAME".
	Source string `json:"source"`
	// Value is the text, or why there is none.
	Value string `json:"value"`
}

// Finding is one thing that was looked at.
type Finding struct {
	// Name is a word that stays the same between versions.
	Name string `json:"name"`
	// Verdict is one of the four.
	Verdict Verdict `json:"verdict"`
	// Found says in a line what is so.
	Found string `json:"found"`
	// Evidence is what it was read from.
	Evidence []Evidence `json:"evidence,omitempty"`
	// Why says why it matters, Do what to do about it; empty where all is well.
	Why string `json:"why,omitempty"`
	Do  string `json:"do,omitempty"`
}

func (f *Finding) see(source, value string) {
	f.Evidence = append(f.Evidence, Evidence{source, value})
}

// say sets what was found; a worse verdict that is there already stays.
func (f *Finding) say(v Verdict, format string, args ...any) {
	f.Verdict, f.Found = v, fmt.Sprintf(format, args...)
}

func (f *Finding) advise(why, do string) { f.Why, f.Do = why, do }

// Place is something that the process runs in, recognised by evidence.
type Place string

// Places. Several may be true at once: a pod's container under a hypervisor of WSL.
const (
	Container   Place = "container"
	Kubernetes  Place = "kubernetes pod"
	SystemdUnit Place = "systemd unit"
	UserSession Place = "systemd user session"
	Rootless    Place = "user namespace"
	GVisor      Place = "gVisor"
	WSL1        Place = "WSL 1"
	WSL2        Place = "WSL 2"
	LXC         Place = "LXC"
	Nomad       Place = "Nomad"
	CloudRun    Place = "Cloud Run"
)

// Report is what was found, in a fixed order.
type Report struct {
	// Places are what the process runs in.
	Places []Place `json:"places"`
	// Findings are all findings.
	Findings []Finding `json:"findings"`
}

// Names are the names of all findings, in the order of reports.
func Names() []string {
	var names []string
	for _, c := range checks() {
		names = append(names, c.name)
	}
	return names
}

// Worst is the worst verdict of the report: warn, unknown, note, ok.
func (r Report) Worst() Verdict {
	for _, v := range []Verdict{Warn, Unknown, Note} {
		if slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Verdict == v }) {
			return v
		}
	}
	return OK
}
