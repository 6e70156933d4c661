package verify

import "slices"

// Verdict is what a rule says of an image.
type Verdict string

// The verdicts. Skip and Unknown carry a reason and never count as a pass: Skip
// means that there was nothing to judge, Unknown that it could not be judged.
const (
	Pass    Verdict = "pass"
	Fail    Verdict = "fail"
	Warn    Verdict = "warn"
	Skip    Verdict = "skip"
	Unknown Verdict = "unknown"
)

// Severity is how much a rule's failure counts.
type Severity string

// The severities: an Error rule that fails or is unknown makes the report not ok.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Finding is one disagreement: where, and the two values.
type Finding struct {
	// Where is a path in the image, "label KEY", "env NAME", "config FIELD", "layer N" …
	Where string `json:"where"`
	// Got is what is there.
	Got string `json:"got"`
	// Want is what it is held against.
	Want string `json:"want"`
	// File and Line are where it stands in a file besides the image, such as a policy
	// or a deployment; lines count from 1. Both are empty for what is in the image.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
}

// Result is the verdict of one rule.
type Result struct {
	Rule     string   `json:"rule"`
	Verdict  Verdict  `json:"verdict"`
	Severity Severity `json:"severity"`
	// Required means that a skip is not ok either.
	Required bool      `json:"required,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	Findings []Finding `json:"findings,omitempty"`
}

// OK reports whether the result leaves the report ok.
func (r Result) OK() bool {
	if r.Required && r.Verdict == Skip {
		return false
	}
	return r.Severity != Error || (r.Verdict != Fail && r.Verdict != Unknown)
}

// Binary is a program of the image as it was found.
type Binary struct {
	// Path is as the label or the entrypoint names it.
	Path string `json:"path"`
	// SHA256 is of the file's bytes, in hex.
	SHA256 string `json:"sha256"`
	// Size is in bytes.
	Size int64 `json:"size"`
}

// Report is the verdict on one platform's image.
type Report struct {
	// Ref is the reference as asked for.
	Ref string `json:"ref"`
	// Digest is the manifest's, empty where the form has none (docker-archive).
	Digest string `json:"digest,omitempty"`
	// Platform is the config's, such as linux/arm64.
	Platform string `json:"platform"`
	// Labels are all labels of the config, as found.
	Labels map[string]string `json:"labels,omitempty"`
	// Binaries are the labelled ones and the entrypoint.
	Binaries []Binary `json:"binaries,omitempty"`
	// Results are in the order of Rules.
	Results []Result `json:"results"`
}

// OK reports whether every error rule passed, warned or had nothing to judge.
func (r Report) OK() bool {
	return !slices.ContainsFunc(r.Results, func(res Result) bool { return !res.OK() })
}

// Reports are the verdicts on all images of a reference.
type Reports []Report

// OK reports whether there is a report and all are ok.
func (rs Reports) OK() bool {
	return len(rs) > 0 && !slices.ContainsFunc(rs, func(r Report) bool { return !r.OK() })
}
