package check

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The rules, in the order of a report. A root that cannot be read has but RuleRoot.
const (
	RuleRoot     = "root"
	RuleMounts   = "mounts"
	RuleStatic   = "static"
	RulePlatform = "platform"
	RuleHook     = "hook"
)

// Finding is what one rule says of one thing.
type Finding struct {
	// Rule is one of the rules.
	Rule string `json:"rule"`
	// Path is the place in the root that it is about.
	Path string `json:"path"`
	// Failed is set where the rule does not hold.
	Failed bool `json:"failed,omitempty"`
	// Evidence is what was found there, and if it failed also what is wanted.
	Evidence string `json:"evidence"`
}

// String is the finding as one line of a build's log. What is not printable is quoted: a
// base chooses its file names, and could write lines of its own.
func (f Finding) String() string {
	verdict := "ok"
	if f.Failed {
		verdict = "FAIL"
	}
	return fmt.Sprintf("%-4s  %-8s  %s", verdict, f.Rule, f.Text())
}

// Text is the place and what was found there.
func (f Finding) Text() string { return printable(f.Path) + ": " + printable(f.Evidence) }

func printable(text string) string {
	ugly := func(r rune) bool { return r == utf8.RuneError || !strconv.IsPrint(r) }
	if strings.ContainsFunc(text, ugly) {
		return strconv.Quote(text)
	}
	return text
}

// Report is all findings.
type Report []Finding

// Failed are those of rules that do not hold.
func (r Report) Failed() []Finding {
	var out []Finding
	for _, f := range r {
		if f.Failed {
			out = append(out, f)
		}
	}
	return out
}

// Write prints a line for each finding.
func (r Report) Write(w io.Writer) error {
	for _, f := range r {
		if _, err := fmt.Fprintln(w, f); err != nil {
			return err
		}
	}
	return nil
}
