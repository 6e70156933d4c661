package main

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/lab/trial"
)

// TestClaims boots the machine and holds every claim to what is seen in it.
func TestClaims(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	all := sections()
	seen, _, err := lab(ctx, "../..", all)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		for i, c := range s.claims {
			if got := seen[s.name(i)]; got != c.expected {
				t.Errorf("%s: %s: expected %s, saw %s", s.title, c.says, c.expected, got)
			}
		}
	}
}

// TestPageIsOfTheseClaims keeps the page from saying what the test no longer holds it to.
func TestPageIsOfTheseClaims(t *testing.T) {
	written, err := os.ReadFile("../../docs/lab.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, s := range sections() {
		for _, c := range s.claims {
			rows++
			if !strings.Contains(string(written), tableRow(c, c.expected)) {
				t.Errorf("docs/lab.md lacks %q: run make lab", tableRow(c, c.expected))
			}
		}
	}
	if got := strings.Count(string(written), "\n| ") - len(sections()) - settings - 1; got != rows {
		t.Errorf("docs/lab.md has %d rows for %d claims: run make lab", got, rows)
	}
}

func TestNamesAreUnique(t *testing.T) {
	names, groups := map[string]bool{}, map[string]bool{}
	for _, s := range sections() {
		for i, c := range s.claims {
			if names[s.name(i)] {
				t.Errorf("two claims are called %s", s.name(i))
			}
			names[s.name(i)] = true
			first := c.trial.Groups[0].Name
			if c.trial.Beside && groups[first] {
				t.Errorf("%s: the group %s is another trial's, which may run at the same time", c.says, first)
			}
			groups[first] = true
		}
	}
}

// A result that is not the one of a claim is seen as another, never as the expected one.
func TestSeenTellsApart(t *testing.T) {
	fine := trial.Result{Out: `{"maxprocs":3,"limit":188743680,"gogc":100,"cgroup":"0::/"}` + "\n"}
	tests := []struct {
		name string
		seen func(trial.Result) string
		r    trial.Result
		want string
	}{
		{"lived", lived, trial.Result{}, "exit 0, oom_kill 0"},
		{"killed", lived, trial.Result{Exit: 137, Events: map[string]int64{"oom_kill": 1}}, "exit 137, oom_kill 1"},
		{"placed", ofLast(placed), fine, "`0::/`; GOMAXPROCS 3; limit 180MiB"},
		{"placed without a limit", ofLast(placed), trial.Result{Out: `{"maxprocs":8,"limit":9223372036854775807}`}, "``; GOMAXPROCS 8; no limit"},
		{"said nothing", ofLast(placed), trial.Result{}, "exit 0"},
		{"failed after its report", ofLast(placed), trial.Result{Out: fine.Out, Exit: 1, Err: "why\nmore\n"}, "exit 1: `why`"},
		{"not a report", ofLast(placed), trial.Result{Out: "panic\n"}, "exit 0"},
		{"two lines on stderr", precedence().seen, trial.Result{Out: fine.Out, Err: "a\nb\n"}, `limit 180MiB; "a\nb\n" on stderr`},
		{"half a line on stderr", precedence().seen, trial.Result{Out: fine.Out, Err: "a"}, `limit 180MiB; "a" on stderr`},
		{"changed", running().seen, trial.Result{Out: `{"maxprocs":3}` + "\n" + `{"maxprocs":5}` + "\n"}, "GOMAXPROCS 3, then 5"},
		{"did not come to its second report", running().seen, fine, "exit 0"},
		{"fatal grammar", grammars().seen, trial.Result{Exit: 2, Err: "fatal error: malformed GOMEMLIMIT; see …\n"}, "exit 2 before main, malformed GOMEMLIMIT"},
		{"fatal, but after main began", grammars().seen, trial.Result{Exit: 2, Out: fine.Out, Err: "malformed GOMEMLIMIT"}, "exit 2: `malformed GOMEMLIMIT`"},
		{"throttled", pressure().seen, trial.Result{Out: fine.Out, Events: map[string]int64{"high": 9}}, "not collected; is throttled"},
		{"collected", pressure().seen, trial.Result{Out: `{"collected":2}`, Events: map[string]int64{"high": 0}}, "is collected; not throttled"},
	}
	for _, tt := range tests {
		if got := tt.seen(tt.r); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestJudge(t *testing.T) {
	one := []section{{title: "s", seen: lived, claims: []claim{{says: "a"}, {says: "b"}}}}
	tests := []struct {
		name    string
		results map[string]trial.Result
		want    string // of the error
	}{
		{"both ran", map[string]trial.Result{"s/1": {}, "s/2": {Exit: 1}}, ""},
		{"one did not", map[string]trial.Result{"s/1": {}}, "s/2: the machine did not run it"},
		{"one could not", map[string]trial.Result{"s/1": {}, "s/2": {LabError: "no such file"}}, "s/2 (b): no such file"},
	}
	for _, tt := range tests {
		_, err := judge(one, tt.results)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || err.Error() != tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestParse(t *testing.T) {
	const done = `{"Name":"a","Exit":137}` + "\r\n" + `{"Kernel":"6.1"}` + "\r\n"
	tests := []struct {
		name, data string
		fails      bool
	}{
		{"a run", done, false},
		{"a guest that did not come to its end", `{"Name":"a"}` + "\n", true},
		{"a guest that did not begin", "", true},
		{"half a line", `{"Name":"a`, true},
	}
	for _, tt := range tests {
		results, last, err := parse([]byte(tt.data))
		if (err != nil) != tt.fails {
			t.Errorf("%s: %v", tt.name, err)
		}
		if !tt.fails && (results["a"].Exit != 137 || last.Kernel != "6.1") {
			t.Errorf("%s: %v, %v", tt.name, results, last)
		}
	}
}
