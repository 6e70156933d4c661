package verify

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// SchemaVersion is the version of the JSON form; fields are only added within one.
const SchemaVersion = 1

// JSON writes the reports in their stable form: the same image gives the same bytes.
func (rs Reports) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	doc := document{SchemaVersion, rs.OK(), append([]Report{}, rs...)}
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("writing the report as JSON: %w", err)
	}
	return nil
}

var colours = map[Verdict]string{Pass: "\x1b[32m", Fail: "\x1b[31m", Warn: "\x1b[33m", Unknown: "\x1b[35m", Skip: "\x1b[2m"}

// Formats are the names that Write takes, the default first.
func Formats() []string { return []string{"text", "json", "sarif", "junit", "markdown"} }

// Write writes the reports in one of Formats; colour is for text alone. The same
// reports give the same bytes.
func (rs Reports) Write(w io.Writer, format string, colour bool) error {
	switch format {
	case "text":
		return rs.Text(w, colour)
	case "json":
		return rs.JSON(w)
	case "sarif":
		return rs.SARIF(w)
	case "junit":
		return rs.JUnit(w)
	case "markdown":
		return rs.Markdown(w)
	}
	return fmt.Errorf("unknown format %q: %s", cut(format), strings.Join(Formats(), ", "))
}

// Text writes the reports as tables for people. What images say of themselves is
// stripped of control characters: a label must not steer a terminal.
func (rs Reports) Text(w io.Writer, colour bool) error {
	for i, r := range rs {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := r.text(w, colour); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
	}
	return nil
}

func (r Report) text(w io.Writer, colour bool) error {
	fmt.Fprintln(w, strings.TrimRight(printable(r.Ref)+"  "+printable(r.Platform)+"  "+r.Digest, " "))
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, b := range r.Binaries {
		fmt.Fprintf(tw, "  %s\tsha256:%s\t%d bytes\n", printable(b.Path), b.SHA256, b.Size)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	r.loadLine(w)
	var bad []string
	for _, res := range r.Results {
		res.text(w, colour)
		if !res.OK() {
			bad = append(bad, res.Rule)
		}
	}
	verdict := "ok"
	if len(bad) > 0 {
		verdict = "not ok: " + strings.Join(bad, ", ")
	}
	_, err := fmt.Fprintln(w, verdict)
	return err
}

func (r Result) text(w io.Writer, colour bool) {
	word := fmt.Sprintf("%-7s", r.Verdict)
	if colour {
		word = colours[r.Verdict] + word + "\x1b[0m"
	}
	fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("  %s  %-12s  %s", word, r.Rule, printable(r.Reason)), " "))
	for _, f := range r.Findings {
		fmt.Fprintf(w, "             %s\n", f.line())
	}
}

// line is a finding as people read it.
func (f Finding) line() string {
	return f.place() + printable(f.Where) + ": " + printable(f.Got) + ", want " + printable(f.Want)
}

// place is "file:line: " for what stands in a file besides the image.
func (f Finding) place() string {
	switch {
	case f.File == "":
		return ""
	case f.Line == 0:
		return printable(f.File) + ": "
	}
	return fmt.Sprintf("%s:%d: ", printable(f.File), f.Line)
}

// printable is s on one line, without control characters, and cut if it is long.
func printable(s string) string {
	const longest = 300
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + "…"
	}
	var b strings.Builder
	for _, r := range s {
		if strconv.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
	}
	return b.String()
}
