package rehearse

import (
	"slices"
	"strings"
)

// asked makes the Go runtime print GOMAXPROCS at the start and then every second: the first
// print comes at once on a machine that has been up for longer than that. It works for any Go
// program; a probe would see its own.
const asked = "schedtrace=1000"

// asking is an environment that makes the service say what it found; an image's own GODEBUG
// stays.
func asking(env []string) []string {
	out := slices.Clone(env)
	i := slices.IndexFunc(out, func(kv string) bool { return strings.HasPrefix(kv, "GODEBUG=") })
	switch {
	case i < 0:
		out = append(out, "GODEBUG="+asked)
	case out[i] == "GODEBUG=":
		out[i] += asked
	default:
		out[i] += "," + asked
	}
	return append(slices.DeleteFunc(out, func(kv string) bool { return strings.HasPrefix(kv, "PLIMSOLL_DEBUG=") }), "PLIMSOLL_DEBUG=1")
}

// lookup is a variable of an environment; the last one counts.
func lookup(env []string, name string) string {
	for _, kv := range slices.Backward(env) {
		if value, ok := strings.CutPrefix(kv, name+"="); ok {
			return value
		}
	}
	return ""
}
