package verify_test

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"strings"
	"testing"

	"github.com/joshdk/go-junit"

	"github.com/plimsoll-build/plimsoll/internal/verify"
)

// Every broken image's report follows the schemas and is read, whatever the image is
// called and says of itself.
func TestBrokenReportsAreValid(t *testing.T) {
	data, err := os.ReadFile("testdata/broken.json")
	check(t, err)
	var cases []brokenCase
	check(t, json.Unmarshal(data, &cases))
	var all verify.Reports
	for _, tc := range cases {
		all = append(all, judgeBroken(t, tc))
	}
	hostile := goodDraft(t)
	hostile.config.Config.User = "\x1b]0;<&\"'>\x00\x07\u202e" + strings.Repeat("ü", 400)
	hostile.config.Config.Entrypoint = []string{"/or\nders %20%zz"}
	hostile.config.Config.Env = append(hostile.config.Config.Env, "GODEBUG=]]>\x00=1")
	r := judge(t, hostile.image(t))
	for _, ref := range []string{"", "oci:a b%zz?#ü:[x]", "registry.example.com:5000/a/b:1@sha256:0", "-", "C:\\x\ny", "//host/x", "\xff\xfe"} {
		r.Ref = ref
		all = append(all, r)
	}
	validReports(t, all)
}

func validReports(t *testing.T, all verify.Reports) {
	t.Helper()
	schema, err := verify.Schema()
	check(t, err)
	if err := valid(t, schema, written(t, all, "json")); err != nil {
		t.Errorf("json: %v", err)
	}
	sarif, err := os.ReadFile("testdata/sarif-schema-2.1.0.json")
	check(t, err)
	if err := valid(t, sarif, written(t, all, "sarif")); err != nil {
		t.Errorf("sarif: %v", err)
	}
	suites, err := junit.Ingest(written(t, all, "junit"))
	check(t, err)
	if len(suites) != len(all) {
		t.Fatalf("%d suites of %d reports", len(suites), len(all))
	}
	for i, suite := range suites {
		if bad := suite.Totals.Failed + suite.Totals.Error; (bad == 0) != all[i].OK() {
			t.Errorf("%s: %d failures and errors, the report is ok: %v", all[i].Ref, bad, all[i].OK())
		}
	}
	if err := xml.Unmarshal(written(t, all, "junit"), new(struct{})); err != nil {
		t.Errorf("junit: %v", err)
	}
}
