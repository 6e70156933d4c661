package cgroup

import (
	"fmt"
	"slices"
	"strings"
)

// Member is one line of /proc/PID/cgroup: the group of a process in one hierarchy.
type Member struct {
	// Hierarchy is the kernel's number, "0" for v2.
	Hierarchy string
	// Controllers are v1's; empty for v2.
	Controllers []string
	// Path is relative to the reader's cgroup namespace. It may hold colons, and it
	// begins with "/.." if the group lies outside of the namespace.
	Path string
}

// V2 reports whether the line is of the unified hierarchy.
func (m Member) V2() bool { return m.Hierarchy == "0" }

// ParseMembers reads a /proc/PID/cgroup file.
func ParseMembers(text string) ([]Member, error) {
	var members []Member
	for line := range strings.Lines(text) {
		// Only two colons separate: a path may have more.
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(fields) != 3 || !strings.HasPrefix(fields[2], "/") {
			return members, fmt.Errorf("/proc/self/cgroup: %q: %w", clip(line), ErrMalformed)
		}
		m := Member{Hierarchy: fields[0], Path: fields[2]}
		if fields[1] != "" {
			m.Controllers = strings.Split(fields[1], ",")
		}
		members = append(members, m)
	}
	return members, nil
}

// memberOf is the group that a controller's limits are in: v1's hierarchy of it if
// there is one, since a controller is in one hierarchy at a time; else v2's.
func memberOf(members []Member, controller string) (Member, bool) {
	v2 := -1
	for i, m := range members {
		if m.V2() {
			v2 = i
		} else if slices.Contains(m.Controllers, controller) {
			return m, true
		}
	}
	if v2 < 0 {
		return Member{}, false
	}
	return members[v2], true
}
