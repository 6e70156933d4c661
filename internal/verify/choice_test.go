package verify_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/verify"
)

func TestChoice(t *testing.T) {
	tests := []struct {
		name        string
		choice      verify.Choice
		verdict     verify.Verdict
		severity    verify.Severity
		wantOK      bool
		wantVerdict verify.Verdict
	}{
		{name: "a skip", verdict: skip, severity: verify.Error, wantOK: true, wantVerdict: skip},
		{name: "a required skip", choice: verify.Choice{Require: []string{"user"}}, verdict: skip, severity: verify.Error, wantVerdict: skip},
		{name: "a required unknown warning", choice: verify.Choice{Require: []string{"user"}}, verdict: unknown, severity: verify.Warning, wantVerdict: unknown},
		{name: "a required pass", choice: verify.Choice{Require: []string{"user"}}, verdict: pass, severity: verify.Error, wantOK: true, wantVerdict: pass},
		{name: "another is required", choice: verify.Choice{Require: []string{"cgo"}}, verdict: skip, severity: verify.Error, wantOK: true, wantVerdict: skip},
		{name: "an ignored failure", choice: verify.Choice{Ignore: []string{"user"}}, verdict: fail, severity: verify.Error, wantOK: true, wantVerdict: skip},
		{name: "a failure", verdict: fail, severity: verify.Error, wantVerdict: fail},
		{name: "a failure of a warning", verdict: fail, severity: verify.Warning, wantOK: true, wantVerdict: fail},
		{name: "a strict failure of a warning", choice: verify.Choice{Strict: true}, verdict: fail, severity: verify.Warning, wantVerdict: fail},
		{name: "a warning", verdict: warn, severity: verify.Error, wantOK: true, wantVerdict: warn},
		{name: "a strict warning", choice: verify.Choice{Strict: true}, verdict: warn, severity: verify.Error, wantVerdict: fail},
		{name: "a strict skip", choice: verify.Choice{Strict: true}, verdict: skip, severity: verify.Error, wantOK: true, wantVerdict: skip},
		{name: "a strict warning, ignored", choice: verify.Choice{Strict: true, Ignore: []string{"user"}}, verdict: warn, severity: verify.Error, wantOK: true, wantVerdict: skip},
	}
	for _, tc := range tests {
		reports := verify.Reports{{Results: []verify.Result{{Rule: "user", Verdict: tc.verdict, Severity: tc.severity, Reason: "why"}}}}
		check(t, tc.choice.Validate())
		tc.choice.Apply(reports)
		got := reports[0].Results[0]
		if reports.OK() != tc.wantOK || got.Verdict != tc.wantVerdict || got.Reason == "" {
			t.Errorf("%s: ok %v, %+v", tc.name, reports.OK(), got)
		}
	}
}

func TestChoiceNames(t *testing.T) {
	for word, want := range map[string]string{
		"sael": "did you mean seal?", "cgroups-mount": "did you mean cgroup-mount?", "Static": "did you mean static?", "max-procs": "did you mean maxprocs?",
		"zzz": "the rules are platform, static", "": "the rules are", strings.Repeat("x", 1<<20): "the rules are",
	} {
		for _, c := range []verify.Choice{{Require: []string{word}}, {Ignore: []string{"user", word}}} {
			if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 1000 {
				t.Errorf("%.40q: %.300v, want %q", word, err, want)
			}
		}
	}
	if err := (verify.Choice{Require: []string{"user"}, Ignore: []string{"seal", "user"}}).Validate(); err == nil {
		t.Error("a rule both required and ignored is accepted")
	}
	var all []string
	for _, r := range verify.Rules() {
		all = append(all, r.Name)
	}
	if err := (verify.Choice{Require: slices.Clone(all)}).Validate(); err != nil {
		t.Error(err)
	}
}
