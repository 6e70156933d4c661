package verify

import (
	"fmt"
	"go/version"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

// promised notes what an image of ours promises not to be: a failure there, and a
// warning in an image that promised nothing.
func (in *inspection) promised(t *tally, where, got, want string) {
	if in.ours {
		t.fail(where, got, want)
		return
	}
	t.warn(where, got, want)
}

// judgeTrimpath lets the function table decide: its file names are what tracebacks
// print, so that is where a path leaks.
func judgeTrimpath(in *inspection) outcome {
	var t tally
	for _, p := range in.binaries(&t) {
		if p.linked.err != nil {
			t.unknown("%s: %v", p.path, p.linked.err)
			continue
		}
		if m := p.linked.hostFiles; m.Total > 0 {
			in.promised(&t, p.path, fmt.Sprintf("%d absolute source files, such as %s", m.Total, strings.Join(m.Names, ", ")), "import paths, as -trimpath leaves them")
		}
	}
	return t.outcome("no path of the building machine")
}

// oldestGo is the oldest Go release line with security fixes when this version was
// released (https://go.dev/doc/devel/release: the last two).
const oldestGo = "go1.26"

func judgeGo(in *inspection) outcome {
	var t tally
	label, labelled := in.label(tuning.LabelGo)
	var seen []string
	for _, p := range in.binaries(&t) {
		v := goVersionOf(p)
		switch {
		case v == "":
			t.unknown("%s: no Go version in the build info", p.path)
			continue
		case strings.HasPrefix(v, "devel"):
			in.promised(&t, p.path, v, "a release of Go")
			continue
		case !version.IsValid(v):
			t.unknown("%s: Go version %q is not a release", p.path, v)
			continue
		case version.Compare(v, oldestGo) < 0:
			t.warn(p.path, v, oldestGo+" or newer: older ones get no security fixes")
		}
		if labelled && v != label {
			t.fail(p.path, v, label+" of label "+tuning.LabelGo)
		}
		seen = append(seen, v)
	}
	return t.outcome(strings.Join(seen, ", "))
}

// goVersionOf is the version that build info names, without the experiments that
// follow it ("go1.26.8-X:jsonv2", "go1.26.8 X:jsonv2"); empty if there is none.
func goVersionOf(p program) string {
	if p.bin.Build == nil {
		return ""
	}
	v, _, _ := strings.Cut(p.bin.Build.GoVersion, " ")
	v, _, _ = strings.Cut(v, "-")
	return v
}

// judgeVariant holds the label against code: a debug leftover is slow, or prints
// where it should not.
func judgeVariant(in *inspection) outcome {
	var t tally
	passed := []string{"release"}
	label, labelled := in.label(tuning.LabelVariant)
	if labelled && label != "release" {
		t.unknown("variant %q is not known to this version", label)
	}
	for _, p := range in.binaries(&t) {
		if p.linked.err != nil {
			t.unknown("%s: %v", p.path, p.linked.err)
		}
		for _, f := range []feature{race, asan, msan, coverage} {
			if m := p.linked.found[f]; m.Total > 0 {
				in.promised(&t, p.path, fmt.Sprintf("%d functions of %s, such as %s", m.Total, f, m.Names[0]), "none in a release")
			}
		}
		if p.bin.Build == nil {
			t.unknown("%s: %v", p.path, p.bin.BuildErr)
			continue
		}
		in.judgeVariantSettings(&t, p)
		passed = append(passed, unlabelled(p)...)
	}
	return t.outcome(strings.Join(passed, ", "))
}

// unlabelled are the settings that make a binary another one, and that no label
// names: they are shown, not judged. --spec holds them against the plan.
func unlabelled(p program) []string {
	var shown []string
	for _, key := range []string{"-pgo", "-tags", "GOEXPERIMENT"} {
		if value, _ := p.bin.Setting(key); value != "" {
			shown = append(shown, p.path+" with "+key+"="+value)
		}
	}
	return shown
}

func (in *inspection) judgeVariantSettings(t *tally, p program) {
	for _, key := range []string{"-race", "-asan", "-msan", "-cover"} {
		if value, _ := p.bin.Setting(key); value == "true" {
			in.promised(t, p.path, key+"=true in the build info", "none in a release")
		}
	}
	if flags, _ := p.bin.Setting("-gcflags"); unoptimized(flags) {
		in.promised(t, p.path, "-gcflags="+flags, "an optimized build")
	}
	if m := p.linked.found[fipsModule]; in.ours && m.Total > 0 {
		t.fail(p.path, fmt.Sprintf("%d functions of %s, such as %s", m.Total, fipsModule, m.Names[0]), "none: label "+tuning.LabelVariant+" does not say fips")
	}
	defaults, _ := p.bin.Setting("DefaultGODEBUG")
	if module, _ := p.bin.Setting("GOFIPS140"); in.ours && module != "" && module != "off" {
		t.fail(p.path, "GOFIPS140="+module, "none: label "+tuning.LabelVariant+" does not say fips")
	} else if value, _ := godebugValue(defaults, "fips140"); in.ours && value != "" && value != "off" {
		t.fail(p.path, "DefaultGODEBUG fips140="+value, "none: label "+tuning.LabelVariant+" does not say fips")
	}
}

// unoptimized reports whether compiler flags turn off optimization (-N) or inlining
// (-l) for any packages: "-N -l", "all=-N", but not "-lang=go1.21".
func unoptimized(gcflags string) bool {
	for flag := range strings.FieldsSeq(gcflags) {
		if pattern, rest, ok := strings.Cut(flag, "="); ok && !strings.HasPrefix(pattern, "-") {
			flag = rest
		}
		switch flag {
		case "-N", "-N=1", "-l", "-l=1": // -l=4 inlines more
			return true
		}
	}
	return false
}

// v1Libraries read cgroup v1 alone, or read v2 wrongly, before a version.
var v1Libraries = []struct {
	code  feature
	fixed string // the first version that reads v2; empty if none of that path does
}{
	{cgroupsV1, ""}, // v2 has import paths of its own
	{autoMaxProcs, "v1.5.1"},
	{runcCgroups, "v1.0.0-rc93"},
	{cadvisor, "v0.45.0"},
}

// judgeCgroupLibs asks the function table what is linked, and the build info for its
// version alone.
func judgeCgroupLibs(in *inspection) outcome {
	var t tally
	passed := "no library of cgroup v1 alone"
	for _, p := range in.binaries(&t) {
		if p.linked.err != nil {
			t.unknown("%s: %v", p.path, p.linked.err)
			continue
		}
		if p.linked.has(ociCgroups) { // where runc's went, in 2025; every version reads v2
			passed += strings.TrimSuffix("; "+p.path+" has "+string(ociCgroups)+" "+moduleVersion(p, string(ociCgroups)), " ")
		}
		for _, lib := range v1Libraries {
			m := p.linked.found[lib.code]
			if m.Total == 0 || isOwn(p, lib.code) {
				continue
			}
			v := moduleVersion(p, string(lib.code))
			name := strings.TrimSuffix(string(lib.code)+" "+v, " ")
			switch got := fmt.Sprintf("%s: %d functions, such as %s", name, m.Total, m.Names[0]); {
			case lib.fixed == "":
				in.promised(&t, p.path, got, "a library that reads cgroup v2")
			case !semver.IsValid(v):
				t.unknown("%s: %s is linked, its version is not known", p.path, lib.code)
			case semver.Compare(v, lib.fixed) < 0:
				in.promised(&t, p.path, got, lib.fixed+" or newer: older ones do not read cgroup v2")
			}
		}
	}
	return t.outcome(passed)
}

// isOwn reports whether a program is of the library's own module, as runc is: it has
// no version of itself to judge by.
func isOwn(p program, code feature) bool {
	return code != cgroupsV1 && p.bin.Build != nil && p.bin.Build.Main.Path == string(code)
}

// moduleVersion is a dependency's version in the build info; empty if it is not there.
func moduleVersion(p program, module string) string {
	if p.bin.Build == nil {
		return ""
	}
	for _, d := range p.bin.Build.Deps {
		if d.Path != module {
			continue
		}
		if d.Replace != nil && semver.IsValid(d.Replace.Version) {
			return d.Replace.Version
		}
		return d.Version // a directory is taken for the version that it replaces
	}
	return ""
}
