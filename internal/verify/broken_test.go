package verify_test

import (
	"archive/tar"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plimsoll-build/plimsoll/internal/tuning"
	"github.com/plimsoll-build/plimsoll/internal/verify"
)

// brokenCase is a row of testdata/broken.json: an image broken in one property, and
// exactly the rules that it fails or leaves unknown. Docs are generated from it.
type brokenCase struct {
	Name    string   `json:"name"`
	Stage   string   `json:"stage"` // "plan": re-sealed; "after": edited after the build; "index": attested falsely
	How     string   `json:"how"`
	Fails   []string `json:"fails"`
	Unknown []string `json:"unknown"`
	// Warning means that only rules of that severity fail, so that the report is ok.
	Warning bool `json:"warning"`
}

// breakPlan changes a draft before it is sealed.
var breakPlan = map[string]func(t *testing.T, d *draft){
	"dynamic binary": binary("pie"),
	"wrong GOARCH":   binary("arm64"),
	"cgo":            binary("cgo"),
	"GOMEMLIMIT=1G":  func(_ *testing.T, d *draft) { d.env("GOMEMLIMIT", "1G") },
	"limit over max": memLimit("805306368"),
	"limit over 95% of high": func(t *testing.T, d *draft) {
		d.label(tuning.LabelMemoryHigh, "482344960")
	},
	"limit not in Env": func(_ *testing.T, d *draft) { d.env("GOMEMLIMIT", "") },
	"user root":        func(_ *testing.T, d *draft) { d.config.Config.User = "0:0" },
	"user by name":     func(_ *testing.T, d *draft) { d.config.Config.User = "nonroot" },
	"/sys/fs/cgroup a file": func(_ *testing.T, d *draft) {
		d.layers[0] = append(d.layers[0], dir("sys/fs/"), file("sys/fs/cgroup", 0o644))
	},
	"volume over /sys":                     func(_ *testing.T, d *draft) { d.config.Config.Volumes = map[string]struct{}{"/sys": {}} },
	"go 1.24 with gomaxprocs auto":         binary("go 1.24"),
	"automaxprocs against gomaxprocs auto": binary("automaxprocs"),
	"GODEBUG against gomaxprocs auto":      func(_ *testing.T, d *draft) { d.env("GODEBUG", "updatemaxprocs=0") },
	"GOMAXPROCS against gomaxprocs auto":   func(_ *testing.T, d *draft) { d.env("GOMAXPROCS", "4") },
	"GOGC=50%":                             func(_ *testing.T, d *draft) { d.env("GOGC", "50%") },
	"entrypoint not executable":            func(_ *testing.T, d *draft) { d.layers[1][0].Mode = 0o644 },
	"entrypoint not the first binary": func(t *testing.T, d *draft) {
		d.content["other"] = program(t, "good")
		d.layers[1] = append([]tar.Header{file("other", 0o755)}, d.layers[1]...)
		d.label(tuning.LabelBinaries, "/other,/orders")
	},
	"binary missing":             func(_ *testing.T, d *draft) { d.layers = append(d.layers, []tar.Header{file(".wh.orders", 0o644)}) },
	"binary of the base":         func(_ *testing.T, d *draft) { d.base = 2 },
	"unknown contract version":   func(_ *testing.T, d *draft) { d.label(tuning.LabelVersion, "2") },
	"unknown label":              func(_ *testing.T, d *draft) { d.label(tuning.Prefix+"runtime.swap", "0") },
	"label that does not parse":  func(_ *testing.T, d *draft) { d.label(tuning.LabelMemoryMax, "512MiB") },
	"label missing":              func(_ *testing.T, d *draft) { d.label(tuning.LabelStatic, "") },
	"built without -trimpath":    binary("host paths"),
	"another Go than labelled":   func(_ *testing.T, d *draft) { d.label(tuning.LabelGo, "go1.26.0") },
	"coverage":                   binary("coverage"),
	"race detector":              binary("race"),
	"unoptimized":                binary("unoptimized"),
	"race detector, by go build": binary("real race"),
	"address sanitizer":          binary("asan"),
	"memory sanitizer":           binary("msan"),
	"frozen FIPS module":         binary("frozen fips"),
	"frozen FIPS module, hidden": edited("frozen fips", edit{"GOFIPS140=", "GOFIPS141=", true}, edit{"fips140=on", "fips141=on", true}),
	"FIPS without its label":     binary("fips"),
	"cgroup v1 library":          binary("cgroups v1"),
	"shell":                      add(file("bin/sh", 0o755)),
	"package manager":            add(file("sbin/apk", 0o755)),
	"setuid program":             add(file("helper", 0o4755)),
	"private key":                add(file("etc/tls.key", 0o644)),
	"netrc":                      add(file("root/.netrc", 0o600)),
	"source tree":                add(file("src/go.mod", 0o644)),
	"time of a clock":            func(_ *testing.T, d *draft) { d.layers[1][0].ModTime = time.Unix(1700000000, 0) },
	"no CA certificates":         binary("tls"),
	"no time zones":              binary("zones"),
	"base that is not there":     base("registry.example.com/base@"+zeroDigest, zeroDigest, 0),
	"base that is not named":     base("", "", 1),
	"base of another digest":     base("registry.example.com/base@"+zeroDigest, strings.Replace(zeroDigest, "0", "1", 1), 1),
	"base without a digest":      base("registry.example.com/base:1", "", 0),
	"forged build info":          edited("good", edit{"-compiler=gc", "-compiler=gx", false}),
	"build info twice forged":    edited("good", edit{"GOARCH=amd64", "GOARCH=arm64", true}),
	"build info section removed": edited("good", edit{infoMagic, blank(infoMagic), true}, edit{infoStart, blank(infoStart), false}),
	"build info removed":         edited("good", edit{infoMagic, blank(infoMagic), true}, edit{infoStart, blank(infoStart), true}),
	"function table removed":     edited("good", edit{"\xf1\xff\xff\xff\x00\x00", blank("123456"), true}),
	"names of functions changed": edited("good", edit{"runtime.rt0_go\x00", "aaaaaaa.bbbbbb\x00", true}),
	"no accounts": func(t *testing.T, d *draft) {
		binary("accounts")(t, d)
		d.remove("etc/passwd")
	},
	"no directory for temporary files": func(t *testing.T, d *draft) {
		binary("temporary files")(t, d)
		d.remove("tmp/")
	},
	"packed binary":   func(t *testing.T, d *draft) { d.content["orders"] = packed(t, program(t, "good")) },
	"not an ELF file": func(_ *testing.T, d *draft) { d.content["orders"] = []byte("#!/bin/sh\nexec /orders.real\n") },
}

// add puts a file into the lower layer, which is ours as well.
func add(h tar.Header) func(*testing.T, *draft) {
	return func(_ *testing.T, d *draft) {
		d.content["etc/tls.key"] = []byte("-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n")
		d.layers[0] = append(d.layers[0], h)
	}
}

// remove takes an entry out of the lower layer.
func (d *draft) remove(name string) {
	d.layers[0] = slices.DeleteFunc(d.layers[0], func(h tar.Header) bool { return h.Name == name })
}

// base labels a base and says how many layers are its own.
func base(ref, digest string, layers int) func(*testing.T, *draft) {
	return func(_ *testing.T, d *draft) {
		d.label(ocispec.AnnotationBaseImageName, ref)
		d.label(ocispec.AnnotationBaseImageDigest, digest)
		d.base = layers
	}
}

func binary(name string) func(*testing.T, *draft) {
	return func(t *testing.T, d *draft) { d.content["orders"] = program(t, name) }
}

func memLimit(bytes string) func(*testing.T, *draft) {
	return func(_ *testing.T, d *draft) {
		d.env("GOMEMLIMIT", bytes)
		d.label(tuning.LabelMemLimit, bytes)
	}
}

// breakImage edits a good image as tools do after a build.
var breakImage = map[string]func(t *testing.T, d *draft, img v1.Image) v1.Image{
	"edited label": func(t *testing.T, d *draft, img v1.Image) v1.Image {
		d.label(tuning.LabelMemoryMax, "1073741824")
		img = withConfig(t, img, d.config)
		return mutate.Annotations(img, map[string]string{tuning.LabelMemoryMax: "1073741824"}).(v1.Image)
	},
	"edited label without its annotation": func(t *testing.T, d *draft, img v1.Image) v1.Image {
		d.label(tuning.LabelMemoryMax, "1073741824")
		return withConfig(t, img, d.config)
	},
	"removed version label": func(t *testing.T, d *draft, img v1.Image) v1.Image {
		d.label(tuning.LabelVersion, "")
		return withConfig(t, img, d.config)
	},
	"edited Env": func(t *testing.T, d *draft, img v1.Image) v1.Image {
		d.env("GOMEMLIMIT", "")
		return withConfig(t, img, d.config)
	},
	"added Env": func(t *testing.T, d *draft, img v1.Image) v1.Image {
		d.env("HTTP_PROXY", "http://proxy.example.com")
		return withConfig(t, img, d.config)
	},
	"edited Entrypoint": func(t *testing.T, d *draft, img v1.Image) v1.Image {
		d.config.Config.Entrypoint = []string{"/etc/passwd"}
		return withConfig(t, img, d.config)
	},
	"edited architecture": func(t *testing.T, d *draft, img v1.Image) v1.Image {
		d.config.Architecture = "arm64"
		return withConfig(t, img, d.config)
	},
	"added layer": func(t *testing.T, d *draft, img v1.Image) v1.Image {
		d.layers = append(d.layers, []tar.Header{file("added", 0o644)})
		img, err := mutate.AppendLayers(img, d.layer(t, d.tar(t, 2)))
		check(t, err)
		return img
	},
	"added field": func(t *testing.T, d *draft, img v1.Image) v1.Image {
		file, err := img.ConfigFile()
		check(t, err)
		file.Config.OnBuild = []string{"RUN true"}
		img, err = mutate.ConfigFile(img, file)
		check(t, err)
		return img
	},
}

func TestBrokenImages(t *testing.T) {
	data, err := os.ReadFile("testdata/broken.json")
	check(t, err)
	var cases []brokenCase
	check(t, json.Unmarshal(data, &cases))
	if n := len(breakPlan) + len(breakImage) + len(breakIndex); len(cases) != n {
		t.Errorf("the table has %d rows, the test %d", len(cases), n)
	}
	rules := map[string]bool{}
	for _, tc := range cases {
		for _, rule := range tc.Fails {
			rules[rule] = true
		}
		t.Run(tc.Name, func(t *testing.T) {
			t.Parallel()
			r := judgeBroken(t, tc)
			if diff := cmp.Diff(tc.Fails, verdicts(r, verify.Fail)); diff != "" {
				t.Errorf("fails: %s", diff)
			}
			if diff := cmp.Diff(append([]string{}, tc.Unknown...), verdicts(r, verify.Unknown)); diff != "" {
				t.Errorf("unknown: %s", diff)
			}
			if r.OK() != tc.Warning {
				t.Errorf("the report is ok: %v", r.OK())
			}
			complete(t, r)
		})
	}
	for _, rule := range verify.Rules() {
		if !rules[rule.Name] {
			t.Errorf("no image of the table fails rule %s", rule.Name)
		}
	}
}

// breakIndex are the statements that an index attests to a good image.
var breakIndex = map[string]func(t *testing.T, own, purl string) []byte{
	"SBOM of another version": func(t *testing.T, own, purl string) []byte { return statement(t, own, []string{purl + "1"}) },
	"SBOM of another image": func(t *testing.T, _, purl string) []byte {
		return statement(t, strings.Repeat("0", 64), []string{purl})
	},
}

// brokenImage is the image of a row, unless its stage is "index".
func brokenImage(t *testing.T, tc brokenCase) v1.Image {
	d := goodDraft(t)
	if tc.Stage == "after" {
		return breakImage[tc.Name](t, d, d.image(t))
	}
	breakPlan[tc.Name](t, d)
	return d.image(t)
}

func judgeBroken(t *testing.T, tc brokenCase) verify.Report {
	if tc.Stage != "index" {
		return judge(t, brokenImage(t, tc))
	}
	img, _, purl := needsModule(t)
	said := breakIndex[tc.Name](t, hexDigest(t, img), purl)
	return verifyRef(t, "oci:"+attested(t, img, [][]byte{said}), verify.OpenOptions{})[0]
}

// complete demands what every report has: evidence with a failure, a reason with
// a skip or an unknown.
func complete(t *testing.T, r verify.Report) {
	t.Helper()
	for _, res := range r.Results {
		if res.Verdict == verify.Fail && len(res.Findings) == 0 {
			t.Errorf("%s fails without a finding", res.Rule)
		}
		for _, f := range res.Findings {
			if f.Where == "" || f.Got == "" || f.Want == "" {
				t.Errorf("%s: a finding lacks a value: %+v", res.Rule, f)
			}
		}
		if (res.Verdict == verify.Skip || res.Verdict == verify.Unknown) && res.Reason == "" {
			t.Errorf("%s is %s without a reason", res.Rule, res.Verdict)
		}
	}
}

func TestGoodImage(t *testing.T) {
	skipped := []string{"hook", "roots", "tzdata", "accounts", "tmp", "sbom"} // nothing in the image asks for them
	for _, compression := range []string{"gzip", "zstd", "none"} {
		d := goodDraft(t)
		d.compression = compression
		r := judge(t, d.image(t))
		if got := verdicts(r, verify.Pass); len(got) != len(verify.Rules())-len(skipped) || !r.OK() || !slices.Equal(verdicts(r, verify.Skip), skipped) {
			t.Errorf("%s: %+v", compression, r.Results)
		}
		if len(r.Binaries) != 1 || r.Binaries[0].Path != "/orders" || r.Binaries[0].Size != int64(len(program(t, "good"))) {
			t.Errorf("%s: binaries %+v", compression, r.Binaries)
		}
	}
}
