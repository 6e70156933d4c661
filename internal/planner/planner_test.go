package planner

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plimsoll-build/plimsoll/internal/facts"
	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/spec"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

var update = flag.Bool("update", false, "write the golden files")

var (
	amd64 = ocispec.Platform{OS: "linux", Architecture: "amd64"}
	armv7 = ocispec.Platform{OS: "linux", Architecture: "arm", Variant: "v7"}
)

const baseConfig = `{"architecture":"amd64","os":"linux","author":"them","config":{"User":"0","Env":["PATH=/b","GOGC=7","A=base"],
"Cmd":["base"],"Entrypoint":["/base"],"WorkingDir":"/base","ExposedPorts":{"1/tcp":{}},"StopTimeout":9,"Shell":["/bin/sh","-c"],
"OnBuild":["RUN x"],"Labels":{"kept":"1","org.opencontainers.image.version":"theirs","build.plimsoll.go":"theirs"}},
"history":[{"created":"2020-01-01T00:00:00Z","created_by":"one"},{"created_by":"nothing","empty_layer":true}],
"rootfs":{"type":"layers","diff_ids":["sha256:1111111111111111111111111111111111111111111111111111111111111111","sha256:2222222222222222222222222222222222222222222222222222222222222222"]}}`

// world is the facts of a service at ./cmd/x of example.com/svc.
func world(edit ...func(*facts.Facts)) facts.Facts {
	f := facts.Facts{
		Modules:  map[string]facts.Module{},
		Go:       "1.26.8",
		Bases:    map[string]facts.Image{},
		Entries:  map[string]facts.Entry{"static": {Dir: true}, "a.txt": {}},
		Contents: map[string][]byte{},
	}
	for _, dir := range []string{".", "cmd/x", "cmd/y"} {
		f.Modules[dir] = facts.Module{Path: "example.com/svc/v2", Dir: ".", GoLine: "1.26.0", Work: "off", Godebug: map[string]string{}}
	}
	for _, p := range []string{"linux/amd64", "linux/arm/v7"} {
		f.Bases[p] = facts.Image{Ref: "docker.io/library/base:1", Digest: digest.FromString("base"), Config: []byte(baseConfig)}
	}
	for _, e := range edit {
		e(&f)
	}
	return f
}

func service(t *testing.T, yaml string) spec.Service {
	t.Helper()
	doc, err := spec.Parse("plimsoll.yaml", []byte("apiVersion: plimsoll.build/v1\n"+yaml))
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := doc.Resolve(spec.Overrides{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func one(t *testing.T, yaml string, f facts.Facts) (plan.Plan, []Note) {
	t.Helper()
	res, err := Plan(service(t, yaml), f, Options{Platforms: []ocispec.Platform{amd64}})
	if err != nil {
		t.Fatal(err)
	}
	return res.Plans[0], res.Warnings
}

// TestGolden holds whole plans: any change of what is planned shows here.
func TestGolden(t *testing.T) {
	specs, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(specs) == 0 {
		t.Fatalf("no specs in testdata: %v", err)
	}
	for _, file := range specs {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			f := world(func(f *facts.Facts) {
				f.Source = facts.Source{Revision: "abc", Version: "1.2", URL: "https://example.com/svc", Epoch: 1700000000}
			})
			res, err := Plan(service(t, string(data)), f, Options{Platforms: []ocispec.Platform{amd64, armv7}})
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(res, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".json"
			if *update {
				if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
				t.Errorf("the plan changed (-update writes it):\n%s", diff)
			}
		})
	}
}

func TestPlanIsPure(t *testing.T) {
	yaml := "image: {base: base, env: {B: b, A: a}, labels: {z: 1, y: 2}, volumes: [/v, /u]}\nruntime: {memory: {max: 512MiB}, godebug: {http2client: 0, panicnil: 1}}\n"
	first, _ := one(t, yaml, world())
	want, err := plan.Canonical(first)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		again, _ := one(t, yaml, world())
		if got, _ := plan.Canonical(again); string(got) != string(want) {
			t.Fatal("two plans of the same inputs differ")
		}
	}
}

func TestBaseIsMerged(t *testing.T) {
	p, warnings := one(t, "build: {main: ./cmd/x}\nimage: {base: base, env: {A: mine}, ports: [8080, 53/udp], args: [serve]}\n", world())
	c := p.Config.Config
	timeout := 9
	want := plan.RunConfig{
		ImageConfig: ocispec.ImageConfig{
			User: "65532:65532", Env: []string{"PATH=/b", "A=mine"}, Entrypoint: []string{"/x"}, Cmd: []string{"serve"}, WorkingDir: "/base",
			ExposedPorts: map[string]struct{}{"1/tcp": {}, "8080/tcp": {}, "53/udp": {}}, Labels: c.Labels,
		},
		Shell: []string{"/bin/sh", "-c"}, StopTimeout: &timeout,
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
	if c.Labels["kept"] != "1" || c.Labels[ocispec.AnnotationVersion] != "" || c.Labels[tuning.LabelGo] != "go1.26.8" {
		t.Errorf("labels: %v", c.Labels)
	}
	if n := len(p.Config.History); n != 4 || p.Config.History[2].EmptyLayer || p.Config.History[1].Created == nil {
		t.Errorf("history: %+v", p.Config.History)
	}
	if len(p.Base.DiffIDs) != 2 || p.Config.Author != "them" {
		t.Errorf("base: %+v", p.Base)
	}
	if !hasRule(warnings, "base-env") || !hasRule(warnings, "floating-base") {
		t.Errorf("warnings: %v", warnings)
	}
}

func hasRule(notes []Note, rule string) bool {
	return slices.ContainsFunc(notes, func(n Note) bool { return n.Rule == rule })
}

func TestRuntime(t *testing.T) {
	goLine := func(line string) func(*facts.Facts) {
		return func(f *facts.Facts) {
			m := f.Modules["."]
			m.GoLine = line
			f.Modules["."] = m
		}
	}
	godebug := func(key, value string) func(*facts.Facts) {
		return func(f *facts.Facts) { f.Modules["."].Godebug[key] = value }
	}
	oldGo := func(f *facts.Facts) { f.Go = "1.24.9" }
	tests := []struct {
		name, yaml string
		facts      facts.Facts
		env        string // the runtime variables
		limit      string // labels
		procs      string
		warning    string
		problem    string
	}{
		{name: "nothing declared", facts: world(), limit: "off", procs: "auto"},
		{name: "a memory limit", yaml: "memory: {max: 512MiB}", facts: world(), env: "GOMEMLIMIT=483183820", limit: "483183820", procs: "auto", warning: "fixed-memlimit"},
		{name: "memlimit off", yaml: "memory: {max: 512MiB}\n  memlimit: off", facts: world(), limit: "off", procs: "auto"},
		{name: "headroom", yaml: "memory: {max: 1000MiB, headroom: 20%}", facts: world(), env: "GOMEMLIMIT=838860800", limit: "838860800", procs: "auto", warning: "fixed-memlimit"},
		{name: "no headroom", yaml: "memory: {max: 512MiB, headroom: 0%, nonGo: 12MiB}", facts: world(), env: "GOMEMLIMIT=524288000", limit: "524288000", procs: "auto", warning: "fixed-memlimit"},
		{name: "too small a limit", yaml: "memory: {max: 32MiB}", facts: world(), limit: "off", procs: "auto", warning: "memlimit"},
		{name: "a number of procs", yaml: "gomaxprocs: 3", facts: world(), env: "GOMAXPROCS=3", limit: "off", procs: "3"},
		{name: "auto", yaml: "gomaxprocs: auto", facts: world(), limit: "off", procs: "auto"},
		{name: "an old go line as the default", facts: world(goLine("1.24")), limit: "off", procs: "default", warning: "maxprocs"},
		{name: "an old go line with auto", yaml: "gomaxprocs: auto", facts: world(goLine("1.24")), problem: "maxprocs"},
		{name: "an old toolchain", facts: world(oldGo, goLine("1.24")), limit: "off", procs: "default", warning: "maxprocs"},
		{name: "an old default", facts: world(godebug("default", "go1.24")), limit: "off", procs: "default", warning: "maxprocs"},
		{name: "turned off by the module", facts: world(godebug("containermaxprocs", "0")), limit: "off", procs: "default", warning: "maxprocs"},
		{name: "turned off by the spec", yaml: "gomaxprocs: auto\n  godebug: {updatemaxprocs: 0}", facts: world(), problem: "maxprocs"},
		{name: "no collector and no limit", yaml: "gogc: off\n  memory: {max: 32MiB}", facts: world(), problem: "gogc"},
		{name: "no collector under a limit", yaml: "gogc: off\n  memory: {max: 512MiB}", facts: world(), env: "GOGC=off GOMEMLIMIT=483183820", limit: "483183820", procs: "auto", warning: "fixed-memlimit"},
		{name: "gogc and godebug", yaml: "gogc: 50\n  godebug: {panicnil: 1, http2client: 0}", facts: world(), env: "GODEBUG=http2client=0,panicnil=1 GOGC=50", limit: "off", procs: "auto"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			yaml := ""
			if tt.yaml != "" {
				yaml = "runtime:\n  " + tt.yaml + "\n"
			}
			res, err := Plan(service(t, yaml), tt.facts, Options{Platforms: []ocispec.Platform{amd64}})
			if tt.problem != "" {
				if found, _ := errors.AsType[Error](err); !hasRule(found, tt.problem) {
					t.Errorf("got %v, want a problem %s", err, tt.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			c := res.Plans[0].Config.Config
			var env []string
			for _, kv := range c.Env {
				if strings.HasPrefix(kv, "GO") {
					env = append(env, kv)
				}
			}
			if got := strings.Join(env, " "); got != tt.env {
				t.Errorf("env %q, want %q", got, tt.env)
			}
			if c.Labels[tuning.LabelMemLimit] != tt.limit || c.Labels[tuning.LabelMaxProcs] != tt.procs {
				t.Errorf("labels %v", c.Labels)
			}
			if tt.warning != "" && !hasRule(res.Warnings, tt.warning) || tt.warning == "" && len(res.Warnings) > 0 {
				t.Errorf("warnings %v, want %q", res.Warnings, tt.warning)
			}
		})
	}
}

func TestCompileEnvironment(t *testing.T) {
	tests := []struct {
		name, yaml string
		platform   ocispec.Platform
		want       string
		problem    string
	}{
		{name: "default level", platform: amd64, want: "GOAMD64=v1"},
		{name: "a level", yaml: "levels: {amd64: v3, arm64: v8.2}", platform: amd64, want: "GOAMD64=v3"},
		{name: "a variant", platform: ocispec.Platform{OS: "linux", Architecture: "amd64", Variant: "v2"}, want: "GOAMD64=v2"},
		{name: "arm", platform: armv7, want: "GOARM=7"},
		{name: "arm64", platform: ocispec.Platform{OS: "linux", Architecture: "arm64"}, want: "GOARM64=v8.0"},
		{name: "experiment", yaml: "env: {GOEXPERIMENT: jsonv2}", platform: amd64, want: "GOEXPERIMENT=jsonv2"},
		{name: "a contradiction", yaml: "levels: {amd64: v3}", platform: ocispec.Platform{OS: "linux", Architecture: "amd64", Variant: "v2"}, problem: "level"},
		{name: "windows", platform: ocispec.Platform{OS: "windows", Architecture: "amd64"}, problem: "platform"},
		{name: "a level below arm's default", yaml: "levels: {arm: \"6\"}", platform: armv7, want: "GOARM=6"},
		{name: "a level with more to it", yaml: "levels: {arm: \"6,softfloat\"}", platform: ocispec.Platform{OS: "linux", Architecture: "arm", Variant: "v6"}, want: "GOARM=6,softfloat"},
		{name: "no such architecture", platform: ocispec.Platform{OS: "linux", Architecture: "vax"}, problem: "platform"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			yaml := "build: {main: cmd/x}\n"
			if tt.yaml != "" {
				yaml = "build:\n  main: cmd/x\n  " + tt.yaml + "\n"
			}
			res, err := Plan(service(t, yaml), world(), Options{Platforms: []ocispec.Platform{tt.platform}})
			if tt.problem != "" {
				if found, _ := errors.AsType[Error](err); !hasRule(found, tt.problem) {
					t.Errorf("got %v, want a problem %s", err, tt.problem)
				}
				return
			}
			if err != nil || !slices.Contains(res.Plans[0].Compiles[0].Env, tt.want) {
				t.Errorf("got %v, %v, want %s", res, err, tt.want)
			}
		})
	}
}

func TestGoRequest(t *testing.T) {
	module := func(line, toolchain string) facts.Facts {
		return facts.Facts{Modules: map[string]facts.Module{".": {Dir: ".", GoLine: line, Toolchain: toolchain, Work: "off"}}}
	}
	tests := []struct {
		name, yaml string
		facts      facts.Facts
		want       GoRequest
		old        bool
	}{
		{name: "go line", facts: module("1.25.0", ""), want: GoRequest{Version: "1.25.0"}},
		{name: "toolchain line", facts: module("1.25.0", "1.26.3"), want: GoRequest{Version: "1.26.3", Exact: true}},
		{name: "exact", yaml: "build: {go: 1.26.8}", facts: module("1.25.0", "1.26.3"), want: GoRequest{"1.26.8", true, "build.go"}},
		{name: "minimum", yaml: "build: {go: 1.26}", facts: module("1.26.7", ""), want: GoRequest{"1.26", false, "build.go"}},
		{name: "older than the go line", yaml: "build: {go: 1.24}", facts: module("1.25.0", ""), old: true},
		{name: "exact and older", yaml: "build: {go: 1.26.2}", facts: module("1.26.7", ""), old: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Go(service(t, tt.yaml), tt.facts)
			if (err != nil) != tt.old || got != tt.want {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	r := GoRequest{Version: "1.25.0"}
	if !r.Satisfies("1.26.8") || r.Satisfies("1.24.9") || r.ImageTag() != "1.25" {
		t.Error("a minimum is not kept")
	}
	r = GoRequest{Version: "1.26.8", Exact: true}
	if r.Satisfies("1.26.9") || r.ImageTag() != "1.26.8" {
		t.Error("an exact version is not kept")
	}
}

func TestNeeds(t *testing.T) {
	s := service(t, "build: {main: ./cmd/x, tags: [a]}\nimage: {base: static, files: [{from: ./static, to: /s}], caRoots: [mozilla, corp.pem]}\n")
	got := Needs(s, []ocispec.Platform{amd64})
	want := facts.Query{
		Mains: []facts.Want{{Name: "cmd/x", Key: "build.main", Tags: []string{"a"}}}, Base: facts.Want{Name: staticRef, Key: "image.base"},
		Platforms: []ocispec.Platform{amd64}, Files: []facts.Want{{Name: "static", Key: "image.files[0].from"}},
		Contents: []facts.Want{{Name: "corp.pem", Key: "image.caRoots[1]"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !IsStatic(staticRef) || IsStatic("other") {
		t.Error("IsStatic")
	}
}
