package verify_test

import (
	"archive/tar"
	"bytes"
	"flag"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

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
	{"hook", "memlimit", pass, func(t *testing.T, d *draft) { memLimit("")(t, d); d.label(tuning.LabelMemLimit, "auto:90%") }},
	{"hook that is not there", "hook", fail, func(t *testing.T, d *draft) { memLimit("")(t, d); d.label(tuning.LabelMemLimit, "auto:90%") }},
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
	{"own code sets it", "maxprocs", warn, binary("own gomaxprocs")},
	{"own code reads it", "maxprocs", pass, binary("read gomaxprocs")},
	{"own code sets it, default", "maxprocs", pass, func(t *testing.T, d *draft) {
		d.label(tuning.LabelMaxProcs, "default")
		binary("own gomaxprocs")(t, d)
	}},
	{"foreign", "maxprocs", skip, foreign},

	{"own code sets it", "memlimit", warn, binary("own limit")},
	{"own code reads it", "memlimit", pass, binary("read limit")},
	{"automemlimit", "memlimit", warn, binary("automemlimit")},
	{"own code sets it, off", "memlimit", pass, func(t *testing.T, d *draft) {
		memLimit("")(t, d)
		d.label(tuning.LabelMemLimit, "off")
		binary("own limit")(t, d)
	}},
	{"own code of a foreign image sets it", "memlimit", warn, func(t *testing.T, d *draft) { foreign(t, d); binary("own limit")(t, d) }},

	{"accounts", "accounts", pass, binary("accounts")},
	{"directory of another user", "tmp", fail, binary("temporary files")},
	{"directory of all", "tmp", pass, func(t *testing.T, d *draft) {
		binary("temporary files")(t, d)
		d.remove("tmp/")
		d.layers[0] = append(d.layers[0], tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777})
	}},
	{"directory of the user by TMPDIR", "tmp", pass, func(t *testing.T, d *draft) {
		binary("temporary files")(t, d)
		d.layers[0] = append(d.layers[0], tar.Header{Typeflag: tar.TypeDir, Name: "data/", Mode: 0o700, Uid: 65532})
		d.env("TMPDIR", "/data")
	}},
	{"user of no number", "tmp", unknown, func(t *testing.T, d *draft) {
		binary("temporary files")(t, d)
		d.config.Config.User = "nobody"
	}},

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
	{"roots of Debian", "roots", pass, func(t *testing.T, d *draft) {
		binary("tls")(t, d)
		d.content["etc/ssl/certs/ca-certificates.crt"] = []byte("x")
		d.layers[0] = append(d.layers[0], file("etc/ssl/certs/ca-certificates.crt", 0o644))
	}},
	{"roots by directory", "roots", pass, func(t *testing.T, d *draft) {
		binary("tls")(t, d)
		d.layers[0] = append(d.layers[0], file("etc/ssl/certs/corp.pem", 0o644))
	}},
	{"roots by variable that are not there", "roots", fail, func(t *testing.T, d *draft) {
		binary("tls")(t, d)
		d.env("SSL_CERT_FILE", "/roots.pem")
	}},
	{"zones by variable", "tzdata", pass, func(t *testing.T, d *draft) {
		binary("zones")(t, d)
		d.env("ZONEINFO", "/zones.zip")
		d.content["zones.zip"] = []byte("x")
		d.layers[0] = append(d.layers[0], file("zones.zip", 0o644))
	}},
	{"zones of the binary", "tzdata", pass, binary("embedded zones")},
	{"certificate in a PEM file", "rootfs", pass, func(t *testing.T, d *draft) { d.layers[0] = append(d.layers[0], file("etc/corp.pem", 0o644)) }},
	{"shell of the base", "rootfs", warn, func(t *testing.T, d *draft) {
		d.base = 1
		d.layers[0] = append(d.layers[0], file("bin/sh", 0o755))
	}},
	{"world-writable directory", "rootfs", warn, func(t *testing.T, d *draft) {
		h := dir("data/")
		h.Mode = 0o777
		d.layers[0] = append(d.layers[0], h)
	}},
	{"shell of a foreign image", "rootfs", warn, func(t *testing.T, d *draft) {
		foreign(t, d)
		d.layers[0] = append(d.layers[0], file("bin/sh", 0o755))
	}},
	{"time of the base", "reproducible", pass, func(t *testing.T, d *draft) { d.base = 1; d.layers[0][0].ModTime = time.Unix(1, 0) }},
	{"no labelled time", "reproducible", unknown, func(t *testing.T, d *draft) { d.label(ocispec.AnnotationCreated, "") }},
	{"foreign", "reproducible", skip, foreign},
	{"foreign with host paths", "trimpath", warn, func(t *testing.T, d *draft) { foreign(t, d); binary("host paths")(t, d) }},
	{"compiler flag that begins with -l", "variant", pass, func(t *testing.T, d *draft) { binary("older language")(t, d) }},
	{"foreign with the race detector", "variant", warn, func(t *testing.T, d *draft) { foreign(t, d); binary("real race")(t, d) }},
	{"experiment and tags, of which no label speaks", "variant", pass, binary("experiment")},
	{"symbols and DWARF, of which no label speaks", "variant", pass, binary("debuggable")},
	{"cgroups after runc", "cgroup-libs", pass, binary("oci cgroups")},
	{"foreign with coverage", "variant", warn, func(t *testing.T, d *draft) { foreign(t, d); binary("coverage")(t, d) }},
	{"foreign with FIPS", "variant", pass, func(t *testing.T, d *draft) { foreign(t, d); binary("fips")(t, d) }},
	{"variant of a later version", "variant", unknown, func(t *testing.T, d *draft) { d.label(tuning.LabelVariant, "debug") }},
	{"foreign with cgroups v1", "cgroup-libs", warn, func(t *testing.T, d *draft) { foreign(t, d); binary("cgroups v1")(t, d) }},
	{"automaxprocs that reads v2", "cgroup-libs", pass, binary("new automaxprocs")},
	{"foreign", "base", skip, foreign},
	{"base by tag", "base", warn, base("registry.example.com/base:1", zeroDigest, 1)},
	{"base by digest", "base", pass, base("registry.example.com/base@"+zeroDigest, zeroDigest, 1)},
	{"digest of no name", "base", fail, base("", zeroDigest, 1)},
	{"digest of no grammar", "base", fail, base("registry.example.com/base:1", "sha256:12", 1)},
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
	if diff := cmp.Diff([]string{"hook", "maxprocs", "roots", "tzdata", "accounts", "tmp", "reproducible", "sbom", "base", "labels", "seal"}, verdicts(r, verify.Skip)); diff != "" || !r.OK() {
		t.Errorf("%s %+v", diff, r.Results)
	}
	if len(r.Binaries) != 1 || r.Binaries[0].Path != "entry" || r.Binaries[0].SHA256 == "" {
		t.Errorf("binaries: %+v", r.Binaries)
	}
	complete(t, r)
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
	want := []string{"platform", "static", "cgo", "trimpath", "go-version", "variant", "metadata", "layers", "entrypoint", "env-grammar", "memlimit", "hook", "maxprocs",
		"cgroup-mount", "cgroup-libs", "user", "rootfs", "roots", "tzdata", "accounts", "tmp", "reproducible", "sbom", "base", "labels", "seal"}
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
