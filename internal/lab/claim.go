package main

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/lab/trial"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

// claim is a sentence of the documentation, the run that shows it, and what it promises of
// it. It holds if what was seen is, word for word, what was expected.
type claim struct {
	says     string
	variant  string
	args     []string
	trial    trial.Trial
	expected string
}

// section is a table of claims that are judged by the same things.
type section struct {
	title, intro string
	seen         func(trial.Result) string
	claims       []claim
}

// reported is what the lab's service prints, as its source documents it.
type reported struct {
	MaxProcs  int    `json:"maxprocs"`
	Limit     int64  `json:"limit"`
	GOGC      int    `json:"gogc"`
	Cgroup    string `json:"cgroup"`
	Mounts    string `json:"mounts"`
	LeafFile  bool   `json:"leafFile"`
	Collected uint32 `json:"collected"`
}

// reports are the lines that the service printed.
func reports(r trial.Result) ([]reported, error) {
	var all []reported
	for line := range strings.Lines(r.Out) {
		var one reported
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			return nil, fmt.Errorf("reading what the service said: %w: %q", err, line)
		}
		all = append(all, one)
	}
	return all, nil
}

// ofLast makes a judge of one that looks at the service's last report; a service that made
// none is shown by how it ended.
func ofLast(say func(trial.Result, reported) string) func(trial.Result) string {
	return func(r trial.Result) string {
		all, err := reports(r)
		if err != nil || len(all) == 0 || r.Exit != 0 {
			return ended(r)
		}
		return say(r, all[len(all)-1])
	}
}

// ended says how a program ended that did not do its work.
func ended(r trial.Result) string {
	line, _, _ := strings.Cut(strings.TrimSpace(r.Err), "\n")
	if line == "" {
		return fmt.Sprintf("exit %d", r.Exit)
	}
	return fmt.Sprintf("exit %d: `%s`", r.Exit, line)
}

// lived says whether the kernel killed.
func lived(r trial.Result) string {
	return fmt.Sprintf("exit %d, oom_kill %d", r.Exit, r.Events["oom_kill"])
}

// limit is a memory limit of the runtime, for people.
func limit(n int64) string {
	if n == math.MaxInt64 {
		return "no limit"
	}
	return "limit " + tuning.FormatSize(n)
}

func procs(_ trial.Result, r reported) string { return fmt.Sprintf("GOMAXPROCS %d", r.MaxProcs) }

// placed says where the process sees itself and what was made of it.
func placed(_ trial.Result, r reported) string {
	return fmt.Sprintf("`%s`; GOMAXPROCS %d; %s", r.Cgroup, r.MaxProcs, limit(r.Limit))
}
