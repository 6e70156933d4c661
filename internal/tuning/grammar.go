//go:generate go run ./godebuggen

package tuning

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Unlimited is GOMEMLIMIT=off: the runtime's default.
const Unlimited int64 = math.MaxInt64

// ParseMemLimit reads GOMEMLIMIT as the runtime does (runtime.readGOMEMLIMIT and
// parseByteCount). An error here is a crash before main there.
func ParseMemLimit(s string) (int64, error) {
	if s == "" || s == "off" {
		return Unlimited, nil
	}
	n, err := ParseSize(strings.TrimPrefix(s, "+"))
	if err != nil {
		return 0, fmt.Errorf("GOMEMLIMIT=%s is fatal before main: %w", s, err)
	}
	return n, nil
}

// ParseGOGC reads GOGC as the runtime does (runtime.readGOGC): percent, or -1 for
// off. An error is a value that the runtime silently takes for 100.
func ParseGOGC(s string) (int, error) {
	switch s {
	case "off":
		return -1, nil
	case "":
		return 100, nil
	}
	n, err := atoi32(s)
	if err != nil {
		return 100, fmt.Errorf("GOGC=%s is silently ignored by the runtime: it takes a whole number of percent or off", s)
	}
	return n, nil
}

// ParseMaxProcs reads GOMAXPROCS as the runtime does (runtime.schedinit): zero
// for automatic. An error is a value that the runtime silently ignores.
func ParseMaxProcs(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	n, err := atoi32(s)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("GOMAXPROCS=%s is silently ignored by the runtime: it takes a whole number above 0", s)
	}
	return n, nil
}

// atoi32 accepts what the runtime's ParseInt(s, 10, 32) does.
func atoi32(s string) (int, error) {
	n, err := strconv.ParseInt(s, 10, 32)
	return int(n), err
}

// Setting is one key of GODEBUG.
type Setting struct{ Key, Value string }

// ParseGODEBUG splits a GODEBUG value as internal/godebug does. An error names
// the parts that it ignores, or keys that no Go release up to ours knows.
func ParseGODEBUG(s string) ([]Setting, error) {
	var settings []Setting
	var bad []string
	for part := range strings.SplitSeq(s, ",") {
		key, value, ok := strings.Cut(part, "=")
		if part == "" {
			continue
		}
		if !ok || !KnownGODEBUG(key) {
			bad = append(bad, part)
			continue
		}
		settings = append(settings, Setting{key, value})
	}
	if len(bad) > 0 {
		return settings, fmt.Errorf("GODEBUG settings unknown to Go %s: %s", godebugVersion, strings.Join(bad, ", "))
	}
	return settings, nil
}

// FormatGODEBUG writes settings as a GODEBUG value, sorted by key.
func FormatGODEBUG(settings map[string]string) string {
	parts := make([]string, 0, len(settings))
	for key, value := range settings {
		parts = append(parts, key+"="+value)
	}
	slices.Sort(parts)
	return strings.Join(parts, ",")
}

// SplitGODEBUG divides a GODEBUG value into the settings that a //go:debug line of a program
// can make its default (cmd/go/internal/load, https://go.dev/doc/godebug), and those that
// only the environment can make: variables of the runtime alone. fips140 stays there too,
// since it is the variant of a build that says what its default is.
func SplitGODEBUG(value string) (lines, env string) {
	var compiled, rest []string
	for part := range strings.SplitSeq(value, ",") {
		key, _, _ := strings.Cut(part, "=")
		if _, found := slices.BinarySearch(godebugLines, key); found && key != "fips140" {
			compiled = append(compiled, part)
		} else {
			rest = append(rest, part)
		}
	}
	return strings.Join(compiled, ","), strings.Join(rest, ",")
}

// EnvGODEBUG is the GODEBUG of the environment by an image's labels: with a start-up hook,
// what its lines cannot set. It is empty without the label.
func EnvGODEBUG(labels map[string]string) string {
	value := labels[LabelGODEBUG]
	if labels[LabelHook] != "" {
		_, value = SplitGODEBUG(value)
	}
	return value
}

// KnownGODEBUG reports whether key is a setting of the Go release that the table
// was generated from: internal/godebugs, or a variable of the runtime's own.
func KnownGODEBUG(key string) bool {
	_, found := slices.BinarySearch(godebugKeys, key)
	return found
}

// KnownGODEBUGs are the keys, sorted, for suggestions.
func KnownGODEBUGs() []string { return slices.Clone(godebugKeys) }
