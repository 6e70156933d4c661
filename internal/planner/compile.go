package planner

import (
	"regexp"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plimsoll-build/plimsoll/internal/facts"
	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/spec"
)

// compiles is one Compile for each binary.
func (p *planning) compiles(platform ocispec.Platform) []plan.Compile {
	env := p.goEnv(platform)
	var all []plan.Compile
	for _, b := range p.binaries {
		m := p.facts.Modules[b.dir]
		all = append(all, plan.Compile{
			Name:     b.name,
			Dir:      m.Dir,
			Package:  packagePath(m.Dir, b.dir),
			Work:     m.Work,
			ModFiles: m.Files,
			Flags:    goFlags(m),
			Tags:     slices.Concat(p.service.Build.Tags, b.tags),
			Ldflags:  p.ldflags(b),
			Stamp:    p.stamp(),
			Hook:     p.hookOf(b),
			Env:      env,
		})
	}
	return all
}

// goFlags are the flags that make a build the same everywhere. -pgo=auto is go's
// own default, written out: a default.pgo beside main is used.
func goFlags(m facts.Module) []string {
	mod := "-mod=readonly"
	if m.Vendored {
		mod = "-mod=vendor"
	}
	return []string{"-trimpath", "-buildvcs=false", mod, "-pgo=auto"}
}

// packagePath is the main package relative to its module, as a path that the go
// command cannot take for an import path.
func packagePath(module, dir string) string {
	switch {
	case dir == module:
		return "."
	case module == ".":
		return "./" + dir
	}
	return "./" + strings.TrimPrefix(dir, module+"/")
}

// ldflags are the defaults and the spec's, one argument each.
func (p *planning) ldflags(b mainPackage) []string {
	args, err := spec.SplitLdflags(slices.Concat(p.service.Build.Ldflags, b.ldflags))
	if err != nil {
		p.problem("build.ldflags", "ldflags", "%v", err)
	}
	return append([]string{"-s", "-w"}, args...)
}

// stamp is what -X sets at link time. What is not known is not stamped, so that a
// default in the source stays.
func (p *planning) stamp() []string {
	s, src := p.service.Build.Stamp, p.facts.Source
	var out []string
	for _, v := range []struct{ name, value string }{
		{s.Version, src.Version}, {s.Revision, src.Revision}, {s.Time, p.epoch().Format("2006-01-02T15:04:05Z")},
	} {
		if v.name != "" && v.value != "" {
			out = append(out, v.name+"="+v.value)
		}
	}
	return out
}

// goEnv is the complete environment of the go command but for GOWORK, sorted.
func (p *planning) goEnv(platform ocispec.Platform) []string {
	env := map[string]string{
		"CGO_ENABLED": "0", "GO111MODULE": "on", "GOENV": "off", "GOFLAGS": "", "GOTOOLCHAIN": "local",
		"GOFIPS140": "off", "GOEXPERIMENT": "", "GOOS": platform.OS, "GOARCH": platform.Architecture,
	}
	for key, value := range p.service.Build.Env {
		env[key] = value
	}
	p.level(platform, env)
	var out []string
	for key, value := range env {
		out = append(out, key+"="+value)
	}
	slices.Sort(out)
	return out
}

// levels names, for each architecture of linux that Go knows, the variable of its
// level and the level that is the default ("go help environment").
var levels = map[string]struct{ env, level string }{
	"386": {"GO386", "sse2"}, "amd64": {"GOAMD64", "v1"}, "arm": {"GOARM", "7"}, "arm64": {"GOARM64", "v8.0"},
	"loong64": {}, "mips": {"GOMIPS", "hardfloat"}, "mipsle": {"GOMIPS", "hardfloat"},
	"mips64": {"GOMIPS64", "hardfloat"}, "mips64le": {"GOMIPS64", "hardfloat"}, "ppc64": {"GOPPC64", "power8"},
	"ppc64le": {"GOPPC64", "power8"}, "riscv64": {"GORISCV64", "rva20u64"}, "s390x": {},
}

// variants are the levels that a platform can name ("go help environment"); the other
// architectures have none that the image spec knows.
var variants = map[string]*regexp.Regexp{
	"amd64": regexp.MustCompile(`^v[1-4]$`), "arm": regexp.MustCompile(`^[567]$`), "arm64": regexp.MustCompile(`^v(8\.[0-9]|9\.[0-5])$`),
}

// level settles the micro-architecture: build.levels, else the platform's variant,
// else Go's default. All are written out, so that no host's default counts.
func (p *planning) level(platform ocispec.Platform, env map[string]string) {
	l, known := levels[platform.Architecture]
	if platform.OS != "linux" || !known {
		p.problem("", "platform", "platform %s cannot be built: linux with one of %s can", platforms.Format(platform), architectures())
		return
	}
	if variants[platform.Architecture] == nil && platform.Variant != "" {
		p.problem("", "platform", "platform %s cannot be built: Go knows no variants of %s", platforms.Format(platform), platform.Architecture)
		return
	}
	if l.env == "" {
		return
	}
	wanted, given := p.service.Build.Levels[platform.Architecture]
	variant := variantLevel(platform)
	if variant != "" && !variants[platform.Architecture].MatchString(variant) {
		p.problem("", "platform", "platform %s cannot be built: Go knows no such variant", platforms.Format(platform))
	}
	switch {
	case given && contradicts(platform, variant, wanted):
		p.problem("build.levels."+platform.Architecture, "level", "level %s contradicts the platform %s", wanted, platforms.Format(platform))
	case given && env[l.env] != "" && env[l.env] != wanted:
		p.problem("build.levels."+platform.Architecture, "level", "level %s contradicts %s=%s of build.env", wanted, l.env, env[l.env])
	case given:
		env[l.env] = wanted
	case variant != "":
		env[l.env] = variant
	case env[l.env] == "":
		env[l.env] = l.level
	}
}

// contradicts reports whether a level is not what the platform's variant says. What
// follows a comma is no level, and linux/arm is normalized to v7 without being asked.
func contradicts(p ocispec.Platform, variant, wanted string) bool {
	level, _, _ := strings.Cut(wanted, ",")
	return variant != "" && variant != level && (p.Architecture != "arm" || variant != "7")
}

// variantLevel is the level that a platform's variant means ("v7" of arm is 7,
// "v8" of arm64 the default).
func variantLevel(p ocispec.Platform) string {
	switch {
	case p.Variant == "":
		return ""
	case p.Architecture == "arm":
		return strings.TrimPrefix(p.Variant, "v")
	case p.Architecture == "arm64" && !strings.Contains(p.Variant, "."):
		return p.Variant + ".0"
	}
	return p.Variant
}

func architectures() string {
	var all []string
	for arch := range levels {
		all = append(all, arch)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
