package spec

import (
	"fmt"
	"slices"
	"strings"
)

// Reasons for refusing a linker flag.
const (
	whyOurs     = "Plimsoll sets it"
	whyExternal = "it is for external linking, and the binary is linked by Go alone"
	whyDynamic  = "it is for dynamic binaries, and the binary must be static"
	whyLayout   = "it moves or renames what verify has to find in the binary"
	whyCgo      = "it needs cgo"
	whyHost     = "it reads or writes files of the building machine"
	whyNoBuild  = "it makes the linker do something else than build the binary"
)

// refusedFlags are the flags of cmd/link that would break a promise of the image.
var refusedFlags = map[string]string{
	"buildid": "it would make equal binaries differ", "o": whyOurs, "buildmode": whyOurs, "importcfg": whyOurs, "installsuffix": whyOurs,
	"extld": whyExternal, "extldflags": whyExternal, "extar": whyExternal, "libgcc": whyExternal, "capturehostobjs": whyExternal,
	"I": whyDynamic, "r": whyDynamic, "linkshared": whyDynamic, "pluginpath": whyDynamic,
	"D": whyLayout, "T": whyLayout, "R": whyLayout, "E": whyLayout, "H": whyLayout,
	"race": whyCgo, "msan": whyCgo, "asan": whyCgo,
	"L": whyHost, "tmpdir": whyHost, "fipso": whyHost, "benchmark": whyHost, "benchmarkprofile": whyHost,
	"cpuprofile": whyHost, "memprofile": whyHost, "memprofilerate": whyHost,
	"a": whyNoBuild, "c": whyNoBuild, "h": whyNoBuild, "help": whyNoBuild, "V": whyNoBuild, "n": whyNoBuild, "dumpdep": whyNoBuild,
	"f": "it ignores packages that do not match",
}

// valueFlags are the other flags of cmd/link that may take the next argument as
// their value.
var valueFlags = []string{"X", "B", "k", "randlayout", "strictdups", "debugtramp", "debugtextsize", "funcalign", "linkmode"}

// SplitLdflags splits the elements of an ldflags list into arguments as cmd/go
// does with -ldflags: at white space, which single or double quotes protect.
func SplitLdflags(elements []string) ([]string, error) {
	var args []string
	for _, e := range elements {
		fields, err := splitQuoted(e)
		if err != nil {
			return nil, err
		}
		args = append(args, fields...)
	}
	return args, nil
}

const space = " \t\r\n"

func splitQuoted(s string) ([]string, error) {
	var fields []string
	for s = strings.TrimLeft(s, space); s != ""; s = strings.TrimLeft(s, space) {
		if s[0] != '"' && s[0] != '\'' {
			end := strings.IndexAny(s, space)
			if end < 0 {
				end = len(s)
			}
			fields, s = append(fields, s[:end]), s[end:]
			continue
		}
		end := strings.IndexByte(s[1:], s[0])
		if end < 0 {
			return nil, fmt.Errorf("the quote %c has no end", s[0])
		}
		fields, s = append(fields, s[1:1+end]), s[end+2:]
	}
	return fields, nil
}

// ldflags refuses flags that break a promise. A flag's value may stand in the
// next element.
func (c *checker) ldflags(path string, elements []string) {
	pending, at := "", path
	for i, e := range elements {
		if c.waits(e) {
			pending = ""
			continue
		}
		at = indexPath(path, i)
		fields, err := splitQuoted(e)
		if err != nil {
			c.bad(at, "", "%s: %s", quote(e), err)
			pending = ""
			continue
		}
		for _, arg := range fields {
			pending = c.ldflag(at, pending, arg)
		}
	}
	if pending != "" && refusedFlags[pending] == "" {
		c.bad(at, "", "the linker flag -%s lacks its value", pending)
	}
}

// ldflag checks one argument and returns the flag that waits for its value, if any.
func (c *checker) ldflag(at, pending, arg string) string {
	if strings.HasPrefix(arg, "@") {
		c.bad(at, "", "%s begins with @, which go build takes for the name of a file with arguments, and refuses", quote(arg))
		return ""
	}
	if pending != "" && (refusedFlags[pending] == "" || !strings.HasPrefix(arg, "-")) {
		c.ldflagValue(at, pending, arg)
		return ""
	}
	name, ok := strings.CutPrefix(arg, "-")
	name, value, hasValue := strings.Cut(strings.TrimPrefix(name, "-"), "=")
	switch why, refused := refusedFlags[name]; {
	case !ok || name == "":
		c.bad(at, "", "%s is not a linker flag; a value with spaces stands in quotes", quote(arg))
	case refused:
		c.fail(at, "refused-ldflag", "", "the linker flag -%s is refused: %s", name, why)
		if !hasValue {
			return name // its value is no flag, and no second problem
		}
	case hasValue:
		c.ldflagValue(at, name, value)
	case slices.Contains(valueFlags, name):
		return name
	}
	return ""
}

func (c *checker) ldflagValue(at, name, value string) {
	switch target, _, assigned := strings.Cut(value, "="); {
	case name == "linkmode" && value != "internal":
		c.fail(at, "refused-ldflag", "-linkmode=internal", "the linker flag -linkmode=%s is refused: %s", value, whyExternal)
	case name == "X" && (!assigned || !stampName.MatchString(target)):
		c.bad(at, "", "-X takes importpath.name=value, not %s", quote(value))
	}
}
