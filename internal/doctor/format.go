package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// SchemaVersion is the version of the JSON form; fields are only added within one.
const SchemaVersion = 1

// document is the JSON form.
type document struct {
	Schema int     `json:"schema"`
	Worst  Verdict `json:"worst"`
	Report
}

// JSON writes the report in its stable form.
func (r Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(document{SchemaVersion, r.Worst(), r}); err != nil {
		return fmt.Errorf("writing the report as JSON: %w", err)
	}
	return nil
}

var colours = map[Verdict]string{OK: "\x1b[32m", Note: "\x1b[36m", Warn: "\x1b[33m", Unknown: "\x1b[35m"}

// Text writes the report for people: a line for each finding, and below those that are
// not ok the evidence, the reason, and what to do.
func (r Report) Text(w io.Writer, colour bool) error {
	var b strings.Builder
	for _, f := range r.Findings {
		verdict := fmt.Sprintf("%-8s", f.Verdict)
		if colour {
			verdict = colours[f.Verdict] + verdict + "\x1b[0m"
		}
		fmt.Fprintf(&b, "%s %-14s %s\n", verdict, f.Name, plain(f.Found))
		if f.Verdict == OK {
			continue
		}
		for _, e := range f.Evidence {
			fmt.Fprintf(&b, "         seen: %s: %s\n", plain(e.Source), plain(e.Value))
		}
		if f.Why != "" {
			fmt.Fprintf(&b, "         why:  %s\n", plain(f.Why))
		}
		if f.Do != "" {
			fmt.Fprintf(&b, "         do:   %s\n", plain(f.Do))
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// plain keeps what a file says from steering a terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, s)
}
