package workload

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// envFrom leaves open what another object or file sets of what the Go runtime reads.
func (j *judging) envFrom() {
	var open []string
	for _, name := range []string{"GOMEMLIMIT", "GOGC", "GOMAXPROCS", "GODEBUG"} {
		if !slices.ContainsFunc(j.c.Env, func(v Variable) bool { return v.Name == name }) || j.c.form == inUnit {
			open = append(open, name)
		}
	}
	for _, from := range j.c.EnvFrom {
		if len(open) > 0 {
			j.unknown(from.Line, "%s may set %s", from.Value, strings.Join(open, ", "))
		}
	}
}

// user compares what the deployment says of the user with the image's.
func (j *judging) user() {
	set := j.c.User
	uid, _, _ := strings.Cut(set.Value, ":")
	own, _, _ := strings.Cut(j.image.User, ":")
	switch {
	case strings.ContainsAny(uid, "$%{"):
		j.unknown(set.Line, "the user comes from elsewhere")
	case uid == "root" || isZero(uid):
		j.fail("user", set.Value, "no root", set.Line)
	case isNumber(uid) && isNumber(own) && uid != own:
		j.warn("user", set.Value, own+", the image's: another one cannot write what the image gives its own", set.Line)
	case uid == "" && j.c.NonRoot.Value == "true" && (!isNumber(own) || isZero(own)):
		j.fail("runAsNonRoot", "user "+strconv.Quote(j.image.User)+" of the image", "a number that is not 0, or the container is not started", j.c.NonRoot.Line)
	}
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func isZero(s string) bool { return s != "" && strings.Trim(s, "0") == "" }

// readOnly names what of the image is for writing and cannot be written.
func (j *judging) readOnly() {
	if j.c.ReadOnly.Value != "true" {
		return
	}
	for _, dir := range append([]string{"/tmp"}, j.image.Volumes...) {
		if !slices.ContainsFunc(j.c.Mounts, func(m Text) bool { return covers(path.Clean(m.Value), dir) }) {
			j.warn("read-only root", dir+" is in it", "a mount over "+dir+", if the program writes there", j.c.ReadOnly.Line)
		}
	}
}

// covers reports whether a mount hides a path.
func covers(mount, name string) bool {
	return mount == name || mount == "/" || strings.HasPrefix(name, mount+"/")
}

// mounts refuses what hides the limits from the runtime, or the program from itself.
func (j *judging) mounts() {
	for _, m := range j.c.Mounts {
		if strings.ContainsAny(m.Value, "$%") {
			j.unknown(m.Line, "mount %s: its place comes from elsewhere", m.Value)
			continue
		}
		if !path.IsAbs(m.Value) {
			continue
		}
		at := path.Clean(m.Value)
		for _, kernel := range []string{"/proc", "/sys", "/sys/fs", "/sys/fs/cgroup"} {
			if at == kernel || strings.HasPrefix(at, "/sys/fs/cgroup/") {
				j.fail("mount "+at, "covers "+kernel, "nothing there: the Go runtime reads its limits below it", m.Line)
				break
			}
		}
		for _, b := range j.image.Binaries {
			if covers(at, b) {
				j.fail("mount "+at, "covers "+b, "nothing over the program", m.Line)
			}
		}
	}
}
