package verify

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// The parts of JUnit's XML that its readers agree on.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name      string        `xml:"name,attr"`
		Classname string        `xml:"classname,attr"`
		Failure   *junitMessage `xml:"failure"`
		Error     *junitMessage `xml:"error"`
		Skipped   *junitMessage `xml:"skipped"`
		Output    string        `xml:"system-out,omitempty"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes the reports as JUnit XML: a suite for each image, a test case for
// each rule. A rule that could not be judged is an error, one that failed or was
// required and skipped a failure; warnings are a passed case's output.
func (rs Reports) JUnit(w io.Writer) error {
	all := junitSuites{Name: "plimsoll verify"}
	for _, r := range rs {
		s := r.junit()
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		all.Skipped += s.Skipped
		all.Suites = append(all.Suites, s)
	}
	data, err := xml.MarshalIndent(all, "", "  ")
	if err == nil {
		_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, data)
	}
	if err != nil {
		return fmt.Errorf("writing the report as JUnit XML: %w", err)
	}
	return nil
}

func (r Report) junit() junitSuite {
	s := junitSuite{Name: printable(strings.TrimRight(r.Ref+" "+r.Platform+" "+r.Digest, " ")), Tests: len(r.Results)}
	for _, res := range r.Results {
		c := junitCase{Name: res.Rule, Classname: "plimsoll.verify " + printable(r.Platform)}
		message := &junitMessage{Message: printable(res.Reason), Text: res.lines()}
		if message.Message == "" && len(res.Findings) > 0 {
			message.Message = res.Findings[0].line()
		}
		switch {
		case !res.OK() && res.Verdict == Unknown:
			c.Error = message
			s.Errors++
		case !res.OK():
			c.Failure = message
			s.Failures++
		case res.Verdict == Skip || res.Verdict == Unknown:
			c.Skipped = message
			s.Skipped++
		default:
			c.Output = res.lines()
		}
		s.Cases = append(s.Cases, c)
	}
	return s
}

// lines are the findings, one a line.
func (r Result) lines() string {
	var lines []string
	for _, f := range r.Findings {
		lines = append(lines, f.line())
	}
	return strings.Join(lines, "\n")
}
