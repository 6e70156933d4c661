package verify_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/verify"
)

func TestAgainstInDocs(t *testing.T) {
	b := new(strings.Builder)
	b.WriteString("\n| rule | severity | a pass means |\n|---|---|---|\n")
	for _, r := range verify.Against() {
		fmt.Fprintf(b, "| [%s](#%s) | %s | %s |\n", r.Name, r.Name, r.Severity, r.Proves)
	}
	section(t, "against", b.String()+"\n")
}

func TestAdd(t *testing.T) {
	finding := []verify.Finding{{Where: "base", Got: "a", Want: "b", File: "dir/p.yaml", Line: 3}}
	for _, c := range []struct {
		name string
		j    verify.Judgement
		want verify.Verdict
		ok   bool
	}{
		{"pass", verify.Judgement{Passed: "all"}, verify.Pass, true},
		{"fail", verify.Judgement{Fails: finding, Unknowns: []string{"x"}}, verify.Fail, false},
		{"warn", verify.Judgement{Warns: finding}, verify.Warn, true},
		{"unknown", verify.Judgement{Warns: finding, Unknowns: []string{"x"}}, verify.Unknown, false},
		{"skip", verify.Judgement{Skip: "nothing"}, verify.Skip, true},
		{"skip that is none", verify.Judgement{Skip: "nothing", Fails: finding}, verify.Fail, false},
	} {
		var r verify.Report
		r.Add(verify.RulePolicy, c.j)
		if r.Results[0].Verdict != c.want || r.OK() != c.ok {
			t.Errorf("%s: %s, ok %v; want %s, %v", c.name, r.Results[0].Verdict, r.OK(), c.want, c.ok)
		}
	}
}

// TestPlaces wants a finding's file and line in the forms that have a place for them.
func TestPlaces(t *testing.T) {
	r := verify.Report{Ref: "oci:x", Platform: "linux/amd64"}
	r.Add(verify.RuleManifest, verify.Judgement{Fails: []verify.Finding{{Where: "memory limit", Got: "1", Want: "2", File: "k.yaml", Line: 12}}})
	for format, want := range map[string]string{"text": "k.yaml:12: memory limit", "junit": "k.yaml:12: ", "markdown": "k.yaml:12: ", "json": `"line": 12`} {
		var out bytes.Buffer
		check(t, verify.Reports{r}.Write(&out, format, false))
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s: no %q in\n%s", format, want, &out)
		}
	}
	var out bytes.Buffer
	check(t, verify.Reports{r}.SARIF(&out))
	var log struct {
		Runs []struct {
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine int }
					}
				}
			}
		}
	}
	check(t, json.Unmarshal(out.Bytes(), &log))
	one := log.Runs[0].Results[0]
	at := one.Locations[0].PhysicalLocation
	if at.ArtifactLocation.URI != "k.yaml" || at.Region.StartLine != 12 || log.Runs[0].Tool.Driver.Rules[one.RuleIndex].ID != verify.RuleManifest {
		t.Errorf("location %+v of rule %s", at, one.RuleID)
	}
}
