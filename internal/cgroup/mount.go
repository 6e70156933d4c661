package cgroup

import (
	"fmt"
	"slices"
	"strings"
)

// Mount is one cgroup file system, as a line of mountinfo says it.
type Mount struct {
	// Version is 1 or 2.
	Version int
	// Root is the group that the mount shows at its top, as seen from the cgroup
	// namespace of the reader: "/" usually, "/.." if it lies above the namespace.
	Root string
	// Point is where it is mounted, absolute and unescaped.
	Point string
	// ReadOnly is of this mount, not of the file system behind it.
	ReadOnly bool
	// Controllers are v1's, with name=… for a named hierarchy; empty for v2.
	Controllers []string
}

// ParseMounts reads the cgroup mounts of a mountinfo file, in its order. Lines of other
// file systems are not judged; one of a cgroup that cannot be read is an error.
func ParseMounts(mountinfo string) ([]Mount, error) {
	var mounts []Mount
	for line := range strings.Lines(mountinfo) {
		m, ok, err := parseMount(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return mounts, err
		}
		if ok {
			mounts = append(mounts, m)
		}
	}
	return mounts, nil
}

// parseMount reads "ID PARENT DEV ROOT POINT OPTIONS [TAG…] - TYPE SOURCE SUPER".
func parseMount(line string) (m Mount, ok bool, err error) {
	before, after, found := strings.Cut(line, " - ")
	if !found {
		return m, false, nil
	}
	head, tail := strings.Split(before, " "), strings.Split(after, " ")
	switch tail[0] {
	case "cgroup":
		m.Version = 1
	case "cgroup2":
		m.Version = 2
	default:
		return m, false, nil
	}
	if len(head) < 6 || len(tail) < 3 {
		return m, false, fmt.Errorf("mountinfo: %q: %w", clip(line), ErrMalformed)
	}
	m.Root, m.Point = unescape(head[3]), unescape(head[4])
	if !strings.HasPrefix(m.Root, "/") || !strings.HasPrefix(m.Point, "/") {
		return m, false, fmt.Errorf("mountinfo: %q: %w", clip(line), ErrMalformed)
	}
	m.ReadOnly = slices.Contains(strings.Split(head[5], ","), "ro")
	if m.Version == 1 {
		m.Controllers = v1Controllers(tail[2])
	}
	return m, true, nil
}

// v1Controllers are the controllers among the super block's options.
func v1Controllers(options string) []string {
	var found []string
	for o := range strings.SplitSeq(options, ",") {
		switch o {
		case "rw", "ro", "xattr", "noprefix", "clone_children", "cpuset_v2_mode", "none", "relatime", "":
			continue
		}
		if strings.Contains(o, "=") && !strings.HasPrefix(o, "name=") {
			continue // release_agent=…, and what security modules add
		}
		found = append(found, o)
	}
	return found
}

// unescape undoes the octal escapes of the kernel's show_path (space, tab, newline,
// backslash, and # at a line's start). What is no escape stays as it is.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if n, ok := octal(s[i:]); ok {
			b.WriteByte(n)
			i += 3
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func octal(s string) (byte, bool) {
	if len(s) < 4 || s[0] != '\\' {
		return 0, false
	}
	n := 0
	for _, c := range []byte(s[1:4]) {
		if c < '0' || c > '7' {
			return 0, false
		}
		n = n*8 + int(c-'0')
	}
	return byte(n), n <= 0xff
}
