// Package memlimit is the logic of the start-up hook, as the generated file holds it: it finds
// the memory limit of its cgroup and gives it to the Go runtime. It imports nothing that a
// net/http binary lacks, and must not fail a start, whatever it reads.
//
// All names have a prefix that no service's main package has: there they live.
package memlimit

import (
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
)

// What the hook was generated with; internal/hook writes these lines anew.
const (
	// plimsollMemlimitMarker names version and parameters in the binary's bytes.
	plimsollMemlimitMarker = "plimsoll.memlimit/v1 percent=90 high=95 nongo=0 refresh=0;"
	// plimsollMemlimitPercent is the share of memory.max that is Go's.
	plimsollMemlimitPercent = 90
	// plimsollMemlimitHigh is the share of memory.high that is Go's, in percent.
	plimsollMemlimitHigh = 95
	// plimsollMemlimitNonGo are bytes of the service that are not Go's.
	plimsollMemlimitNonGo = 0
)

// plimsollMemlimitFloor is the smallest limit worth setting, in bytes: below it the collector
// would run without end.
const plimsollMemlimitFloor = 64 << 20

// plimsollMemlimitNone is what a hierarchy without a limit counts as: cgroup v1 says the
// largest number that is whole pages.
const plimsollMemlimitNone = 1 << 62

// plimsollMemlimitStart sets the limit. An operator's own GOMEMLIMIT is never touched; an
// empty one is none, as to the runtime. It returns a value so that a variable of package main
// can hold it: variables are initialised before any init function.
//
//go:noinline
func plimsollMemlimitStart(root string) bool {
	said := "GOMEMLIMIT=" + os.Getenv("GOMEMLIMIT") + " is set: nothing changed"
	limit := int64(0)
	if !plimsollMemlimitOperator() {
		if limit, said = plimsollMemlimitChoose(root); limit > 0 {
			debug.SetMemoryLimit(limit)
		}
	}
	if os.Getenv("PLIMSOLL_DEBUG") == "1" {
		_, _ = os.Stderr.WriteString(plimsollMemlimitMarker + " " + said + "\n")
	}
	return limit > 0
}

// plimsollMemlimitOperator reports whether the operator has decided.
func plimsollMemlimitOperator() bool { return os.Getenv("GOMEMLIMIT") != "" }

// plimsollMemlimitChoose is the limit to set, in bytes, and why; 0 for none. The arithmetic is
// that of internal/tuning.
func plimsollMemlimitChoose(root string) (int64, string) {
	found := plimsollMemlimitFind(root)
	if found.where == "" {
		return 0, "no memory limit found, GOMEMLIMIT stays off: " + found.why
	}
	limit := plimsollMemlimitShare(found.max, plimsollMemlimitPercent)
	if high := plimsollMemlimitShare(found.high, plimsollMemlimitHigh); high < limit {
		limit = high
	}
	limit -= plimsollMemlimitNonGo
	if limit < plimsollMemlimitFloor {
		return 0, found.where + "leaves under 64MiB for Go, GOMEMLIMIT stays off"
	}
	return limit, found.where + "GOMEMLIMIT " + strconv.FormatInt(limit, 10)
}

// plimsollMemlimitShare is percent of n, without overflow.
func plimsollMemlimitShare(n, percent int64) int64 {
	if n == plimsollMemlimitNone {
		return n
	}
	return n/100*percent + n%100*percent/100
}

// plimsollMemlimits are the lowest limits that were seen, in bytes, where they stand, and what
// is to say if there are none.
type plimsollMemlimits struct {
	max, high  int64
	where, why string
}

// plimsollMemlimitFind looks for limits in all cgroup file systems that are mounted, of this
// process's cgroup and of every ancestor that is visible.
func plimsollMemlimitFind(root string) plimsollMemlimits {
	found := plimsollMemlimits{max: plimsollMemlimitNone, high: plimsollMemlimitNone}
	groups, why := plimsollMemlimitRead(root + "/proc/self/cgroup")
	mounts := ""
	if why == "" {
		mounts, why = plimsollMemlimitRead(root + "/proc/self/mountinfo")
	}
	if found.why = why; why != "" {
		return found
	}
	for _, m := range plimsollMemlimitMounts(mounts) {
		if path, ok := plimsollMemlimitPath(groups, m.v2); ok {
			found.read(root, m, path)
		}
	}
	if found.why == "" {
		found.why = "no cgroup file system with a memory controller is mounted"
	}
	return found
}

// plimsollMemlimitRead reads a file with as few system calls as can be: package os would ask
// for its size and hand it to the poller. The second text says why nothing could be read.
func plimsollMemlimitRead(name string) (data, why string) {
	fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return "", "open " + name + ": " + err.Error()
	}
	buf := make([]byte, 8<<10)
	for used := 0; ; {
		n, err := syscall.Read(fd, buf[used:])
		switch {
		case err == syscall.EINTR:
		case err != nil:
			_ = syscall.Close(fd)
			return "", "read " + name + ": " + err.Error()
		case n == 0:
			_ = syscall.Close(fd)
			return string(buf[:used]), ""
		default:
			used += n
		}
		if used == len(buf) {
			buf = append(buf, make([]byte, len(buf))...)
		}
	}
}

// plimsollMemlimitMount is a mount of a cgroup file system.
type plimsollMemlimitMount struct {
	root, point string
	v2          bool
}

// plimsollMemlimitMounts are the mounts of mountinfo that can hold memory limits, without
// those that a later one covers (man 5 proc: "mount ID, parent ID, major:minor, root, mount
// point, options, optional fields, -, type, source, super options").
func plimsollMemlimitMounts(info string) []plimsollMemlimitMount {
	var all []plimsollMemlimitMount
	for _, line := range strings.Split(info, "\n") {
		before, after, ok := strings.Cut(line, " - ")
		if len(all) == 0 && !strings.HasPrefix(after, "cgroup") {
			continue // neither what is looked for, nor over it
		}
		place, kind := strings.Fields(before), strings.Fields(after)
		if !ok || len(place) < 5 || len(kind) < 1 {
			continue
		}
		m := plimsollMemlimitMount{root: plimsollMemlimitUnescape(place[3]), point: plimsollMemlimitUnescape(place[4])}
		kept := all[:0]
		for _, earlier := range all {
			if _, covered := plimsollMemlimitBelow(earlier.point, m.point); !covered {
				kept = append(kept, earlier)
			}
		}
		all = kept
		m.v2 = kind[0] == "cgroup2"
		if m.v2 || kind[0] == "cgroup" && len(kind) > 2 && plimsollMemlimitListed(kind[2], "memory") {
			all = append(all, m)
		}
	}
	return all
}

// plimsollMemlimitPath is this process's path in the hierarchy of version 2, or in that of
// version 1 that has the memory controller (man 7 cgroups). Paths may hold colons.
func plimsollMemlimitPath(groups string, v2 bool) (string, bool) {
	for _, line := range strings.Split(groups, "\n") {
		f := strings.SplitN(line, ":", 3)
		if len(f) < 3 || f[2] == "" || f[2][0] != '/' {
			continue
		}
		if v2 && f[0] == "0" && f[1] == "" || !v2 && plimsollMemlimitListed(f[1], "memory") {
			return f[2], true
		}
	}
	return "", false
}

func plimsollMemlimitListed(list, word string) bool {
	return strings.Contains(","+list+",", ","+word+",")
}

// plimsollMemlimitBelow is path relative to top: "" or something that begins with a slash.
func plimsollMemlimitBelow(path, top string) (string, bool) {
	if top == "/" {
		if path == "/" {
			return "", true
		}
		return path, true
	}
	rest, ok := strings.CutPrefix(path, top)
	return rest, ok && (rest == "" || rest[0] == '/')
}

// read reads the limits of this process's cgroup as a mount shows it, and of each above it up
// to the mount's own root. Where a mount shows another part of the hierarchy, nothing can be
// known.
func (l *plimsollMemlimits) read(root string, m plimsollMemlimitMount, path string) {
	below, ok := plimsollMemlimitBelow(path, m.root)
	if !ok || strings.Contains(below+"/", "/../") {
		l.why = m.point + " shows " + m.root + " and not this process's cgroup " + path
		return
	}
	for {
		dir := strings.TrimSuffix(m.point, "/") + below
		if m.v2 {
			l.lower(&l.max, root, dir+"/memory.max")
			l.lower(&l.high, root, dir+"/memory.high")
		} else {
			l.lower(&l.max, root, dir+"/memory.limit_in_bytes")
		}
		i := strings.LastIndexByte(below, '/')
		if i < 0 {
			return
		}
		below = below[:i]
	}
}

// lower lowers a limit to what a file says. A root cgroup has no such file.
func (l *plimsollMemlimits) lower(limit *int64, root, file string) {
	text, why := plimsollMemlimitRead(root + file)
	if why != "" {
		if l.why == "" {
			l.why = why
		}
		return
	}
	text = strings.TrimSpace(text)
	switch n, err := strconv.ParseInt(text, 10, 64); {
	case err == nil && n >= 0 && n < *limit:
		*limit = n
		l.where += file + "=" + text + " "
	case !strings.Contains(l.why, "="): // it says more than that another file is missing
		l.why = file + "=" + text
	}
}

// plimsollMemlimitUnescape turns the octal escapes of mountinfo into their bytes.
func plimsollMemlimitUnescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b = append(b, byte(n))
				i += 3
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}
