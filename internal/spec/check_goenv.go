package spec

import (
	"regexp"
	"slices"
	"strings"
)

// compilerEnv are the go env variables that may reach the compiler, with what
// they take. The architecture's level has build.levels.
var compilerEnv = map[string]*regexp.Regexp{
	"GOEXPERIMENT": regexp.MustCompile(`^[a-z0-9]+(,[a-z0-9]+)*$`),
	"GO386":        levels["386"].pattern,
	"GOMIPS":       levels["mips"].pattern,
	"GOMIPS64":     levels["mips64"].pattern,
	"GOPPC64":      levels["ppc64le"].pattern,
	"GORISCV64":    levels["riscv64"].pattern,
}

// insteadOf says what does the job of a variable that build.env does not take.
var insteadOf = map[string]string{
	"CGO_ENABLED": "cgo is always off, as the binary must be static",
	"GOOS":        "the target platform decides it (--platform)",
	"GOARCH":      "the target platform decides it (--platform)",
	"GOFLAGS":     "use build.tags and build.ldflags",
	"GOAMD64":     "use build.levels.amd64",
	"GOARM":       "use build.levels.arm",
	"GOARM64":     "use build.levels.arm64",
	"GOFIPS140":   "it is not supported yet (build.fips)",
	"GODEBUG":     "use runtime.godebug",
	"GOGC":        "use runtime.gogc",
	"GOMEMLIMIT":  "use runtime.memory and runtime.memlimit",
	"GOMAXPROCS":  "use runtime.gomaxprocs",
	"GOTOOLCHAIN": "use build.go",
	"GOPRIVATE":   "use build.private.patterns",
	"GOPROXY":     "pass --build-arg GOPROXY=…",
	"GONOSUMDB":   "pass --build-arg GONOSUMDB=…",
}

func (c *checker) buildEnv(b Build) {
	for _, name := range sortedKeys(b.Env) {
		at := joinKey("build.env", name)
		pattern, known := compilerEnv[name]
		if !known {
			names := sortedKeys(compilerEnv)
			why, ok := insteadOf[name]
			if !ok {
				why = "it takes " + strings.Join(names, ", ")
			}
			suggestion := ""
			if !ok {
				suggestion = nearest(name, names)
			}
			c.failKey(at, "env-not-allowed", suggestion, "build.env does not take %s: %s", quote(name), why)
			continue
		}
		c.match(at, b.Env[name], pattern, "a value of "+name)
	}
	for arch, l := range levels {
		if _, both := b.Env[l.variable]; both && b.Levels[arch] != "" {
			c.failKey(joinKey("build.env", l.variable), "exclusive", "", "build.levels.%s sets %s already", arch, l.variable)
		}
	}
}

// level is the micro-architecture variable of an architecture.
type level struct {
	variable string
	pattern  *regexp.Regexp
	example  string
}

func newLevel(variable, pattern, example string) level {
	return level{variable, regexp.MustCompile(`^(?:` + pattern + `)$`), example}
}

// levels are the variables of "go help environment" by GOARCH, with the values
// that cmd/go accepts (internal/buildcfg).
var levels = map[string]level{
	"amd64":    newLevel("GOAMD64", `v[1-4]`, "v3"),
	"arm64":    newLevel("GOARM64", `(v8\.[0-9]|v9\.[0-5])(,lse)?(,crypto)?|(v8\.[0-9]|v9\.[0-5]),crypto,lse`, "v8.2"),
	"arm":      newLevel("GOARM", `[567](,(softfloat|hardfloat))?`, "7"),
	"386":      newLevel("GO386", `sse2|softfloat`, "sse2"),
	"ppc64le":  newLevel("GOPPC64", `power(8|9|10)`, "power9"),
	"ppc64":    newLevel("GOPPC64", `power(8|9|10)`, "power9"),
	"riscv64":  newLevel("GORISCV64", `rva(20|22|23)u64`, "rva22u64"),
	"mips":     newLevel("GOMIPS", `hardfloat|softfloat`, "softfloat"),
	"mipsle":   newLevel("GOMIPS", `hardfloat|softfloat`, "softfloat"),
	"mips64":   newLevel("GOMIPS64", `hardfloat|softfloat`, "softfloat"),
	"mips64le": newLevel("GOMIPS64", `hardfloat|softfloat`, "softfloat"),
}

// archAliases are names of architectures elsewhere.
var archAliases = map[string]string{"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386", "x86": "386", "armv7": "arm", "armhf": "arm"}

func (c *checker) levels(set map[string]string) {
	archs := sortedKeys(levels)
	for _, arch := range sortedKeys(set) {
		at := joinKey("build.levels", arch)
		l, known := levels[arch]
		if !known {
			suggestion := archAliases[strings.ToLower(arch)]
			if suggestion == "" && !slices.Contains([]string{"s390x", "loong64", "wasm"}, arch) {
				suggestion = nearest(arch, archs)
			}
			c.failKey(at, "unknown-arch", suggestion, "%s is no architecture with levels: %s", quote(arch), strings.Join(archs, ", "))
			continue
		}
		c.match(at, set[arch], l.pattern, "a value of "+l.variable+", such as "+l.example)
	}
}
