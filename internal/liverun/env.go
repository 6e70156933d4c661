package liverun

import (
	"slices"
	"strings"
)

// What is added to a service's environment so that it can be watched.
const (
	trace     = "schedtrace=250" // milliseconds between two lines
	debugHook = "PLIMSOLL_DEBUG=1"
)

// environ is the image's environment and what was asked for; a later value replaces an
// earlier one of the same name. One without a value is none: docker and podman would take
// the value from the environment that plimsoll itself runs in.
func environ(image, asked []string) []string {
	var env []string
	for _, v := range slices.Concat(image, asked) {
		name, _, ok := strings.Cut(v, "=")
		if !ok || name == "" {
			continue
		}
		env = slices.DeleteFunc(env, func(e string) bool { return strings.HasPrefix(e, name+"=") })
		env = append(env, v)
	}
	return env
}

// watched adds what makes the Go runtime and the hook say what they do. GODEBUG is a
// list, so that the service's own settings stay.
func watched(env []string) []string {
	if value, ok := lookup(env, "GODEBUG"); ok && value != "" {
		return environ(env, []string{"GODEBUG=" + value + "," + trace, debugHook})
	}
	return environ(env, []string{"GODEBUG=" + trace, debugHook})
}

// unwatched takes that out again.
func unwatched(env []string) []string {
	var clean []string
	for _, v := range env {
		if value, ok := strings.CutPrefix(v, "GODEBUG="); ok {
			if value = strings.TrimSuffix(strings.TrimSuffix(value, trace), ","); value == "" {
				continue
			}
			v = "GODEBUG=" + value
		}
		if v != debugHook {
			clean = append(clean, v)
		}
	}
	return clean
}

// lookup is the value of a variable.
func lookup(env []string, name string) (string, bool) {
	for _, v := range env {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value, true
		}
	}
	return "", false
}
