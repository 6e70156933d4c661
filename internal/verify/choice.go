package verify

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Choice is what a caller changes about the rules.
type Choice struct {
	// Require are rules that must be judged: a skip or an unknown of them is not ok,
	// whatever their severity.
	Require []string
	// Ignore are rules that are not judged.
	Ignore []string
	// Strict makes each warning a failure, and each rule an error rule.
	Strict bool
}

// Validate refuses names that are no rule's, with the nearest that is, and rules
// that are both required and ignored.
func (c Choice) Validate() error {
	var known []string
	for _, r := range slices.Concat(Rules(), Against()) {
		known = append(known, r.Name)
	}
	var errs []error
	for _, name := range slices.Concat(c.Require, c.Ignore) {
		if slices.Contains(known, name) {
			continue
		}
		err := fmt.Errorf("there is no rule %q: the rules are %s", cut(name), strings.Join(known, ", "))
		if best := nearest(name, known); best != "" {
			err = fmt.Errorf("there is no rule %q: did you mean %s?", cut(name), best)
		}
		errs = append(errs, err)
	}
	for _, name := range c.Require {
		if slices.Contains(c.Ignore, name) {
			errs = append(errs, fmt.Errorf("rule %s cannot be both required and ignored", name))
		}
	}
	return errors.Join(errs...)
}

// Apply changes the results of reports as chosen.
func (c Choice) Apply(reports Reports) {
	for _, r := range reports {
		for i := range r.Results {
			c.apply(&r.Results[i])
		}
	}
}

func (c Choice) apply(r *Result) {
	if slices.Contains(c.Ignore, r.Rule) {
		*r = Result{Rule: r.Rule, Verdict: Skip, Severity: r.Severity, Reason: "ignored, as asked for"}
		return
	}
	if r.Required = slices.Contains(c.Require, r.Rule); r.Required || c.Strict {
		r.Severity = Error
	}
	if c.Strict && r.Verdict == Warn {
		r.Verdict = Fail
	}
}

// nearest is the rule that shares the most letters and pairs of letters with a
// word; empty if that is under half of them.
func nearest(word string, known []string) string {
	best, most := "", 0.5
	for _, k := range known {
		a, b := partsOf(strings.ToLower(word)), partsOf(k)
		shared := 0
		for p := range a {
			if b[p] {
				shared++
			}
		}
		if like := 2 * float64(shared) / float64(len(a)+len(b)); like >= most {
			best, most = k, like+1e-9 // the first of equals
		}
	}
	return best
}

// partsOf are the bytes of a word and the neighbours among them, of which the ends
// count too.
func partsOf(word string) map[string]bool {
	word = " " + cut(word) + " "
	parts := map[string]bool{}
	for i := range len(word) - 1 {
		parts[word[i:i+1]], parts[word[i:i+2]] = true, true
	}
	return parts
}
