package verify_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/joshdk/go-junit"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/plimsoll-build/plimsoll/internal/tuning"
	"github.com/plimsoll-build/plimsoll/internal/verify"
)

// sample has every verdict and hostile text, and needs no build: it must be the
// same with every toolchain.
func sample() verify.Reports {
	return verify.Reports{{
		Ref: "oci:orders.oci", Digest: "sha256:" + strings.Repeat("a", 64), Platform: "linux/amd64",
		Labels: map[string]string{tuning.LabelVersion: "1", tuning.LabelStatic: "true",
			tuning.LabelMemoryMax: "536870912", tuning.LabelMemoryHigh: "509607936", tuning.LabelMemLimit: "483183820"},
		Binaries: []verify.Binary{{Path: "/orders", SHA256: strings.Repeat("b", 64), Size: 4096}},
		Results: []verify.Result{
			{Rule: "platform", Verdict: verify.Pass, Severity: verify.Error, Reason: "linux/amd64"},
			{Rule: "memlimit", Verdict: verify.Fail, Severity: verify.Error, Findings: []verify.Finding{
				{Where: "env GOMEMLIMIT", Got: "\x1b[31m<1G>\r\n" + strings.Repeat("x", 400), Want: "483183820 of label build.plimsoll.runtime.gomemlimit"}}},
			{Rule: "cgo", Verdict: verify.Unknown, Severity: verify.Error, Reason: "/orders: no function table"},
			{Rule: "user", Verdict: verify.Warn, Severity: verify.Error, Reason: "65532:7"},
			{Rule: "labels", Verdict: verify.Skip, Severity: verify.Error, Reason: "no labels of ours"},
		},
	}, {Ref: "oci:orders.oci", Platform: "linux/arm64", Results: []verify.Result{{Rule: "platform", Verdict: verify.Pass, Severity: verify.Error}}}}
}

func written(t *testing.T, rs verify.Reports, format string) []byte {
	t.Helper()
	var got bytes.Buffer
	check(t, rs.Write(&got, format, false))
	return got.Bytes()
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		check(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	check(t, err)
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s: %s", file, diff)
	}
}

func TestFormats(t *testing.T) {
	names := map[string]string{"text": "report.txt", "json": "report.json", "sarif": "report.sarif", "junit": "report.junit.xml", "markdown": "report.md"}
	for _, format := range verify.Formats() {
		golden(t, filepath.Join("testdata", names[format]), written(t, sample(), format))
	}
	var colour bytes.Buffer
	check(t, sample().Write(&colour, "text", true))
	golden(t, "testdata/report.colour.txt", colour.Bytes())
	golden(t, "testdata/empty.json", written(t, verify.Reports{}, "json"))
	if err := sample().Write(&colour, "xml", false); err == nil {
		t.Error("an unknown format is accepted")
	}
}

// What an image says of itself steers no terminal and no page.
func TestFormatsAreInert(t *testing.T) {
	for _, format := range []string{"text", "sarif", "junit", "markdown"} {
		if got := written(t, sample(), format); bytes.ContainsAny(got, "\x1b\r") || bytes.Contains(got, []byte("<1G>")) != (format == "text" || format == "sarif") {
			t.Errorf("%s: %s", format, got)
		}
	}
}

// valid validates a document against a JSON Schema.
func valid(t *testing.T, schema, document []byte) error {
	t.Helper()
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	check(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	check(t, c.AddResource("schema.json", parsed))
	compiled, err := c.Compile("schema.json")
	check(t, err)
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	check(t, err)
	return compiled.Validate(value)
}

func TestJSONFollowsItsSchema(t *testing.T) {
	schema, err := verify.Schema()
	check(t, err)
	golden(t, "../../docs/verify-report.schema.json", schema)
	for name, rs := range map[string]verify.Reports{"sample": sample(), "empty": {}, "image": {judge(t, goodDraft(t).image(t))}} {
		if err := valid(t, schema, written(t, rs, "json")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []string{`{}`, `{"schema": 2, "ok": true, "images": []}`,
		`{"schema": 1, "ok": true, "images": [{"ref": "x", "platform": "y", "results": [{"rule": "z", "verdict": "fine", "severity": "error"}]}]}`} {
		if valid(t, schema, []byte(bad)) == nil {
			t.Errorf("the schema accepts %s", bad)
		}
	}
}

// The schema is the one that OASIS published with errata 01.
func TestSARIFFollowsItsSchema(t *testing.T) {
	schema, err := os.ReadFile("testdata/sarif-schema-2.1.0.json")
	check(t, err)
	for name, rs := range map[string]verify.Reports{"sample": sample(), "empty": {}, "image": {judge(t, goodDraft(t).image(t))}} {
		if err := valid(t, schema, written(t, rs, "sarif")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if valid(t, schema, []byte(`{"version": "2.1.0", "runs": [{"tool": {"driver": {}}}]}`)) == nil {
		t.Error("the schema accepts a driver without a name")
	}
	var log struct {
		Runs []struct {
			Results []struct{ RuleID, Level string }
		}
	}
	check(t, json.Unmarshal(written(t, sample(), "sarif"), &log))
	got := map[string]string{}
	for _, r := range log.Runs[0].Results {
		got[r.RuleID] = r.Level
	}
	if diff := cmp.Diff(map[string]string{"memlimit": "error", "cgo": "error", "user": "warning"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestJUnitIsRead(t *testing.T) {
	suites, err := junit.Ingest(written(t, sample(), "junit"))
	check(t, err)
	if len(suites) != 2 || len(suites[0].Tests) != len(sample()[0].Results) {
		t.Fatalf("%+v", suites)
	}
	got := map[string]junit.Status{}
	for _, test := range suites[0].Tests {
		got[test.Name] = test.Status
	}
	want := map[string]junit.Status{"platform": junit.StatusPassed, "memlimit": junit.StatusFailed, "cgo": junit.StatusError,
		"user": junit.StatusPassed, "labels": junit.StatusSkipped}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if totals := suites[0].Totals; totals.Tests != 5 || totals.Failed != 1 || totals.Error != 1 || totals.Skipped != 1 {
		t.Errorf("totals %+v", totals)
	}
}
