package gosource

import (
	"cmp"
	"fmt"
	"go/build"
	"slices"
	"strconv"
	"strings"
)

// newTarget is the context of go/build for a request, without a file system. GOROOT and
// GOPATH are empty: nothing is looked for outside of the tree.
func newTarget(r Request) (build.Context, error) {
	env := map[string]string{}
	for _, kv := range r.Env {
		key, value, _ := strings.Cut(kv, "=")
		env[key] = value
	}
	if env["GOOS"] == "" || env["GOARCH"] == "" {
		return build.Context{}, fmt.Errorf("listing packages: GOOS and GOARCH must be set")
	}
	releases, err := releaseTags(r.Go)
	if err != nil {
		return build.Context{}, err
	}
	return build.Context{
		GOOS: env["GOOS"], GOARCH: env["GOARCH"], Compiler: "gc", BuildTags: r.Tags,
		ReleaseTags: releases, ToolTags: append(experimentTags(env), levelTags(env)...),
	}, nil
}

// releaseTags are go1.1 to go1.N of a toolchain version such as 1.26.8 or 1.27rc1.
func releaseTags(version string) ([]string, error) {
	minor, ok := strings.CutPrefix(version, "1.")
	end := strings.IndexFunc(minor, func(r rune) bool { return r < '0' || r > '9' })
	if end >= 0 {
		minor = minor[:end]
	}
	n, err := strconv.Atoi(minor)
	if !ok || err != nil || n > 999 {
		return nil, fmt.Errorf("listing packages: %q is no version of Go", version)
	}
	var tags []string
	for i := 1; i <= n; i++ {
		tags = append(tags, "go1."+strconv.Itoa(i))
	}
	return tags, nil
}

// experimentsMinor is the minor of Go whose default experiments experimentTags has.
const experimentsMinor = 26

// experimentTags are the goexperiment tags: the defaults of Go 1.26
// (internal/buildcfg.ParseGOEXPERIMENT), changed by GOEXPERIMENT.
func experimentTags(env map[string]string) []string {
	on := []string{"randomizedheapbase64", "greenteagc"}
	if !slices.Contains([]string{"darwin", "ios", "aix"}, env["GOOS"]) {
		on = append(on, "dwarf5")
	}
	if slices.Contains([]string{"amd64", "arm64", "loong64", "ppc64", "ppc64le", "riscv64", "s390x"}, env["GOARCH"]) {
		on = append(on, "regabiwrappers", "regabiargs")
	}
	for name := range strings.SplitSeq(env["GOEXPERIMENT"], ",") {
		off, negated := strings.CutPrefix(name, "no")
		switch {
		case name == "none":
			on = nil
		case negated:
			on = slices.DeleteFunc(on, func(s string) bool { return s == off })
		case name != "" && !slices.Contains(on, name):
			on = append(on, name)
		}
	}
	for i, name := range on {
		on[i] = "goexperiment." + name
	}
	return on
}

// levels are, by architecture, the variable that holds its level, the default, and all
// levels in order; a level satisfies the tags of those before it
// (internal/buildcfg, gogoarchTags).
var levels = map[string]struct {
	key, normal string
	all         []string
}{
	"amd64":   {"GOAMD64", "v1", []string{"v1", "v2", "v3", "v4"}},
	"arm":     {"GOARM", "7", []string{"5", "6", "7"}},
	"ppc64":   {"GOPPC64", "power8", []string{"power8", "power9", "power10"}},
	"ppc64le": {"GOPPC64", "power8", []string{"power8", "power9", "power10"}},
	"riscv64": {"GORISCV64", "rva20u64", []string{"rva20u64", "rva22u64", "rva23u64"}},
}

// single are the architectures whose one setting is one tag.
var single = map[string][2]string{
	"386": {"GO386", "sse2"}, "mips": {"GOMIPS", "hardfloat"}, "mipsle": {"GOMIPS", "hardfloat"},
	"mips64": {"GOMIPS64", "hardfloat"}, "mips64le": {"GOMIPS64", "hardfloat"},
}

// levelTags are the tags of the architecture's level, such as amd64.v1 to amd64.v3.
func levelTags(env map[string]string) []string {
	arch := env["GOARCH"]
	if one, ok := single[arch]; ok {
		return []string{arch + "." + cmp.Or(env[one[0]], one[1])}
	}
	if arch == "arm64" {
		return arm64Tags(cmp.Or(env["GOARM64"], "v8.0"))
	}
	l := levels[arch]
	value, _, _ := strings.Cut(cmp.Or(env[l.key], l.normal), ",")
	var tags []string
	for _, level := range l.all[:slices.Index(l.all, value)+1] {
		tags = append(tags, arch+"."+level)
	}
	return tags
}

// arm64Tags are the tags of v8.N or v9.N: the latter includes v8.(N+5).
func arm64Tags(value string) []string {
	value, _, _ = strings.Cut(value, ",")
	major, minor, _ := strings.Cut(strings.TrimPrefix(value, "v"), ".")
	n, err := strconv.Atoi(minor)
	if err != nil {
		return nil
	}
	var tags []string
	for i := 0; i <= min(n, 9); i++ {
		tags = append(tags, fmt.Sprintf("arm64.v%s.%d", major, i))
	}
	for i := 0; major == "9" && i <= min(n+5, 9); i++ {
		tags = append(tags, fmt.Sprintf("arm64.v8.%d", i))
	}
	return tags
}
