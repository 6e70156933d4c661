package verify_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll-build/plimsoll/internal/tuning"
	"github.com/plimsoll-build/plimsoll/internal/verify"
)

var update = flag.Bool("update", false, "rewrite golden files")

// foreign takes our labels away.
func foreign(_ *testing.T, d *draft) {
	for key := range d.config.Config.Labels {
		if strings.HasPrefix(key, tuning.Prefix) {
			d.label(key, "")
		}
	}
}

const (
	fail, pass, warn, skip, unknown = verify.Fail, verify.Pass, verify.Warn, verify.Skip, verify.Unknown
	mib460                          = "482344960"
)

// verdictTests change a good draft, plan and seal in one, and ask one rule.
var verdictTests = []struct {
	name, rule string
	want       verify.Verdict
	change     func(t *testing.T, d *draft)
}{
	{"limit at 95% of high", "memlimit", pass, func(t *testing.T, d *draft) {
		memLimit("458227712")(t, d)
		d.label(tuning.LabelMemoryHigh, mib460)
	}},
	{"limit one byte over 95% of high", "memlimit", fail, func(t *testing.T, d *draft) {
		memLimit("458227713")(t, d)
		d.label(tuning.LabelMemoryHigh, mib460)
	}},
	{"high above max", "memlimit", fail, func(t *testing.T, d *draft) { d.label(tuning.LabelMemoryHigh, "536870913") }},
	{"limit at max", "memlimit", fail, func(t *testing.T, d *draft) { memLimit("536870912")(t, d) }},
	{"limit without memory labels", "memlimit", pass, func(t *testing.T, d *draft) { d.label(tuning.LabelMemoryMax, "") }},
	{"same limit in another unit", "memlimit", pass, func(t *testing.T, d *draft) {
		d.label(tuning.LabelMemLimit, "104857600")
		d.env("GOMEMLIMIT", "100MiB")
	}},
	{"off and no Env", "memlimit", pass, func(t *testing.T, d *draft) { memLimit("")(t, d); d.label(tuning.LabelMemLimit, "off") }},
	{"off and Env off", "memlimit", pass, func(t *testing.T, d *draft) { memLimit("off")(t, d) }},
	{"off and a limit in Env", "memlimit", fail, func(t *testing.T, d *draft) { d.label(tuning.LabelMemLimit, "off") }},
	{"under 64 MiB", "memlimit", warn, func(t *testing.T, d *draft) { memLimit("1048576")(t, d) }},
	{"hook", "memlimit", unknown, func(t *testing.T, d *draft) { memLimit("")(t, d); d.label(tuning.LabelMemLimit, "auto:90%") }},
	{"no label", "memlimit", unknown, func(t *testing.T, d *draft) { d.label(tuning.LabelMemLimit, "") }},
	{"label of no grammar", "memlimit", unknown, func(t *testing.T, d *draft) { d.label(tuning.LabelMemLimit, "1G") }},
	{"foreign without a limit", "memlimit", skip, func(t *testing.T, d *draft) { foreign(t, d); d.env("GOMEMLIMIT", "") }},
	{"foreign with a limit", "memlimit", pass, foreign},
	{"foreign with a small limit", "memlimit", warn, func(t *testing.T, d *draft) { foreign(t, d); d.env("GOMEMLIMIT", "1MiB") }},
	{"foreign with a bad limit", "memlimit", fail, func(t *testing.T, d *draft) { foreign(t, d); d.env("GOMEMLIMIT", "1G") }},

	{"number", "maxprocs", pass, func(t *testing.T, d *draft) { d.label(tuning.LabelMaxProcs, "4"); d.env("GOMAXPROCS", "4") }},
	{"another number", "maxprocs", fail, func(t *testing.T, d *draft) { d.label(tuning.LabelMaxProcs, "4"); d.env("GOMAXPROCS", "2") }},
	{"number that is not set", "maxprocs", fail, func(t *testing.T, d *draft) { d.label(tuning.LabelMaxProcs, "4") }},
	{"number of no grammar", "maxprocs", unknown, func(t *testing.T, d *draft) { d.label(tuning.LabelMaxProcs, "2.5") }},
	{"default", "maxprocs", pass, func(t *testing.T, d *draft) { d.label(tuning.LabelMaxProcs, "default"); binary("go 1.24")(t, d) }},
	{"default with Env", "maxprocs", fail, func(t *testing.T, d *draft) { d.label(tuning.LabelMaxProcs, "default"); d.env("GOMAXPROCS", "2") }},
	{"Env overrides the go line", "maxprocs", pass, func(t *testing.T, d *draft) {
		binary("go 1.24")(t, d)
		d.env("GODEBUG", "containermaxprocs=1,updatemaxprocs=1")
	}},
	{"Env overrides half of the go line", "maxprocs", fail, func(t *testing.T, d *draft) {
		binary("go 1.24")(t, d)
		d.env("GODEBUG", "containermaxprocs=1")
	}},
	{"last GODEBUG counts", "maxprocs", pass, func(t *testing.T, d *draft) { d.env("GODEBUG", "updatemaxprocs=0,updatemaxprocs=1") }},
	{"foreign", "maxprocs", skip, foreign},

	{"variable set twice", "env-grammar", fail, func(t *testing.T, d *draft) {
		d.config.Config.Env = append(d.config.Config.Env, "GOMEMLIMIT=483183820")
	}},
	{"unknown GODEBUG", "env-grammar", fail, func(t *testing.T, d *draft) { d.env("GODEBUG", "http2klient=0") }},
	{"good values", "env-grammar", pass, func(t *testing.T, d *draft) { d.env("GODEBUG", "http2client=0"); d.env("GOGC", "off") }},

	{"uid without gid", "user", pass, func(t *testing.T, d *draft) { d.config.Config.User = "65532" }},
	{"uid that passwd does not know", "user", pass, func(t *testing.T, d *draft) { d.config.Config.User = "1000:1000" }},
	{"another gid than passwd's", "user", warn, func(t *testing.T, d *draft) { d.config.Config.User = "65532:7" }},
	{"no user", "user", fail, func(t *testing.T, d *draft) { d.config.Config.User = "" }},
	{"negative", "user", fail, func(t *testing.T, d *draft) { d.config.Config.User = "-1" }},
	{"group by name", "user", fail, func(t *testing.T, d *draft) { d.config.Config.User = "65532:nonroot" }},

	{"level that the platform does not name", "platform", warn, binary("v3")},
	{"level above the variant", "platform", fail, func(t *testing.T, d *draft) { binary("v3")(t, d); d.config.Variant = "v2" }},
	{"level of the variant", "platform", pass, func(t *testing.T, d *draft) { binary("v3")(t, d); d.config.Variant = "v3" }},
	{"level below the variant", "platform", warn, func(t *testing.T, d *draft) { d.config.Variant = "v2" }},
	{"variant of no meaning", "platform", unknown, func(t *testing.T, d *draft) { d.config.Variant = "vx" }},
	{"architecture of no meaning", "platform", unknown, func(t *testing.T, d *draft) { d.config.Architecture = "z80" }},
	{"other OS", "platform", unknown, func(t *testing.T, d *draft) { d.config.OS = "windows" }},

	{"by name through PATH", "entrypoint", pass, func(t *testing.T, d *draft) { d.config.Config.Entrypoint = []string{"orders"} }},
	{"relative to the working directory", "entrypoint", pass, func(t *testing.T, d *draft) {
		d.config.Config.WorkingDir, d.config.Config.Entrypoint = "/etc", []string{"../orders"}
	}},
	{"through a link", "entrypoint", pass, func(t *testing.T, d *draft) {
		d.layers[0] = append(d.layers[0], link("app", "etc/app"), link("etc/app", "../orders"))
		d.config.Config.Entrypoint = []string{"/app"}
	}},
	{"link loop", "entrypoint", fail, func(t *testing.T, d *draft) {
		d.layers[0] = append(d.layers[0], link("a", "b"), link("b", "a"))
		d.config.Config.Entrypoint = []string{"/a"}
	}},
	{"none", "entrypoint", fail, func(t *testing.T, d *draft) { d.config.Config.Entrypoint = nil }},
	{"a directory", "entrypoint", fail, func(t *testing.T, d *draft) { d.config.Config.Entrypoint = []string{"/etc"} }},
	{"command instead", "entrypoint", pass, func(t *testing.T, d *draft) {
		d.config.Config.Entrypoint, d.config.Config.Cmd = nil, []string{"/orders", "serve"}
	}},
	{"owner alone, another user", "entrypoint", fail, func(t *testing.T, d *draft) { d.layers[1][0].Mode = 0o700 }},
	{"owner alone, by name", "entrypoint", pass, func(t *testing.T, d *draft) {
		d.layers[1][0].Mode, d.layers[1][0].Uid = 0o700, 65532
		d.config.Config.User = "nonroot"
	}},
	{"unknown user name", "entrypoint", unknown, func(t *testing.T, d *draft) { d.config.Config.User = "nobody" }},

	{"gogc as labelled", "labels", pass, func(t *testing.T, d *draft) { d.label(tuning.LabelGOGC, "50"); d.env("GOGC", "50") }},
	{"gogc not as labelled", "labels", fail, func(t *testing.T, d *draft) { d.label(tuning.LabelGOGC, "50"); d.env("GOGC", "60") }},
	{"no annotations", "labels", pass, func(t *testing.T, d *draft) { d.annotate = false }},
	{"everything that can be labelled", "labels", pass, func(t *testing.T, d *draft) {
		for key, value := range map[string]string{tuning.LabelMemoryHigh: mib460, tuning.LabelCPUMax: "0.5", tuning.LabelCPUWeight: "100",
			tuning.LabelCPUSet: "0-3,6", tuning.LabelPids: "512", tuning.LabelCgroup: "v2"} {
			d.label(key, value)
		}
	}},
	{"foreign", "labels", skip, foreign},
	{"foreign", "seal", skip, foreign},
	{"the lower layer is the base", "seal", pass, func(t *testing.T, d *draft) { d.base = 1 }},
}

func TestVerdicts(t *testing.T) {
	for _, tc := range verdictTests {
		t.Run(tc.rule+"/"+tc.name, func(t *testing.T) {
			t.Parallel()
			d := goodDraft(t)
			tc.change(t, d)
			r := judge(t, d.image(t))
			if got := result(r, tc.rule); got.Verdict != tc.want {
				t.Errorf("%s, want %s: %+v", got.Verdict, tc.want, got)
			}
			complete(t, r)
		})
	}
}

// Each label has a grammar: a value of another label's kind is refused.
func TestLabelGrammar(t *testing.T) {
	bad := map[string][]string{
		tuning.LabelVersion:    {"", "01", "2"},
		tuning.LabelSpecDigest: {"sha256:12", "sha512:" + strings.Repeat("0", 128), "x"},
		tuning.LabelPlanDigest: {"SHA256:" + strings.Repeat("0", 64)},
		tuning.LabelBinaries:   {"orders", "/a,/a", "/a/../b", "/", "/a,", strings.Repeat("/a,", 100) + "/b"},
		tuning.LabelGo:         {"1.26.8", "latest"},
		tuning.LabelStatic:     {"false", "TRUE"},
		tuning.LabelVariant:    {"Release", "a b"},
		tuning.LabelMemLimit:   {"1G", "0", "auto", "auto:0%", "auto:101%", "-1", "007"},
		tuning.LabelMaxProcs:   {"0", "2.5", "Auto", "99999999"},
		tuning.LabelGOGC:       {"50%"},
		tuning.LabelGODEBUG:    {"nosuch=1", "x"},
		tuning.LabelMemoryMax:  {"512MiB", "-5"},
		tuning.LabelMemoryHigh: {"1e9"},
		tuning.LabelCPUMax:     {"0.0001", "two"},
		tuning.LabelCPUWeight:  {"0"},
		tuning.LabelCPUSet:     {"0-", "a"},
		tuning.LabelPids:       {"max"},
		tuning.LabelCgroup:     {"v1"},
	}
	for _, key := range tuning.Required() {
		if key != tuning.LabelSeal && len(bad[key]) == 0 {
			t.Errorf("no bad value of %s", key)
		}
	}
	for key, values := range bad {
		for _, value := range values {
			d := goodDraft(t)
			d.annotate = false
			d.content["orders"] = nil // only the labels are asked
			d.config.Config.Labels[key] = value
			found := slices.ContainsFunc(result(judge(t, d.image(t)), "labels").Findings, func(f verify.Finding) bool { return f.Where == "label "+key })
			if !found {
				t.Errorf("%s=%q is accepted", key, value)
			}
		}
	}
}

// A foreign image gets every rule that needs no label.
func TestForeignImage(t *testing.T) {
	d := goodDraft(t)
	foreign(t, d)
	d.layers[1] = []tar.Header{file("orders", 0o755), link("entry", "orders")}
	d.config.Config.Entrypoint = []string{"entry"}
	r := judge(t, d.image(t))
	if diff := cmp.Diff([]string{"maxprocs", "labels", "seal"}, verdicts(r, verify.Skip)); diff != "" || !r.OK() {
		t.Errorf("%s %+v", diff, r.Results)
	}
	if len(r.Binaries) != 1 || r.Binaries[0].Path != "entry" || r.Binaries[0].SHA256 == "" {
		t.Errorf("binaries: %+v", r.Binaries)
	}
	complete(t, r)
}

// Formats are goldens of a report that needs no build: it must be the same with
// every toolchain.
func TestFormats(t *testing.T) {
	reports := verify.Reports{{
		Ref: "oci:orders.oci", Digest: "sha256:" + strings.Repeat("a", 64), Platform: "linux/amd64",
		Labels:   map[string]string{tuning.LabelVersion: "1", tuning.LabelStatic: "true"},
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
	for name, write := range map[string]func(*bytes.Buffer) error{
		"report.txt":        func(b *bytes.Buffer) error { return reports.Text(b, false) },
		"report.colour.txt": func(b *bytes.Buffer) error { return reports.Text(b, true) },
		"report.json":       func(b *bytes.Buffer) error { return reports.JSON(b) },
		"empty.json":        func(b *bytes.Buffer) error { return verify.Reports{}.JSON(b) },
	} {
		var got bytes.Buffer
		check(t, write(&got))
		golden := filepath.Join("testdata", name)
		if *update {
			check(t, os.WriteFile(golden, got.Bytes(), 0o644))
		}
		want, err := os.ReadFile(golden)
		check(t, err)
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if strings.HasSuffix(name, ".json") && !json.Valid(got.Bytes()) {
			t.Errorf("%s is not JSON", name)
		}
	}
}

// The same image gives the same report, byte for byte.
func TestStable(t *testing.T) {
	ref := "oci:" + writeLayout(t, index(t, goodDraft(t).image(t), arm64Draft(t).image(t)))
	var one, two bytes.Buffer
	check(t, verifyRef(t, ref, verify.OpenOptions{}).JSON(&one))
	check(t, verifyRef(t, ref, verify.OpenOptions{}).JSON(&two))
	if one.String() != two.String() {
		t.Error(cmp.Diff(one.String(), two.String()))
	}
}

// The table is what help and docs are made from.
func TestRules(t *testing.T) {
	want := []string{"platform", "static", "cgo", "layers", "entrypoint", "env-grammar", "memlimit", "maxprocs", "cgroup-mount", "user", "labels", "seal"}
	var got []string
	for _, r := range verify.Rules() {
		got = append(got, r.Name)
		if r.Proves == "" || r.Docs == "" || (r.Severity != verify.Error && r.Severity != verify.Warning) {
			t.Errorf("row %+v is not complete", r)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
