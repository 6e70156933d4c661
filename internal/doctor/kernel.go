package doctor

import (
	"fmt"
	"strings"
)

// kernel judges the release, for what depends on it.
func (e *exam) kernel(f *Finding) {
	release, ok := e.readInto(f, "/proc/sys/kernel/osrelease")
	if !ok {
		f.say(Unknown, "the kernel's release cannot be read")
		return
	}
	f.say(OK, "Linux %s", brief(release))
	switch {
	case e.is(WSL1):
		f.say(Warn, "%s, Windows' emulation of Linux", brief(release))
		f.advise("WSL 1 has no control groups: containers cannot be limited, and Go sees all CPUs", "convert the distribution: wsl --set-version NAME 2")
	case e.is(GVisor): // its release means nothing
	case older(release, 4, 5):
		f.say(Warn, "Linux %s has no cgroup v2", brief(release))
		f.advise("container engines and Kubernetes are giving up v1", "use a kernel from 5.8 on")
	case older(release, 5, 19):
		f.say(Note, "Linux %s", brief(release))
		f.advise("memory.peak came with 5.19: the peak of a cgroup v2 is not known here", "nothing, unless peaks are wanted")
	}
}

// older reports whether a release is before major.minor; one that cannot be read is not.
func older(release string, major, minor int) bool {
	var a, b int
	if n, _ := fmt.Sscanf(release, "%d.%d", &a, &b); n != 2 {
		return false
	}
	return a < major || a == major && b < minor
}

// security says which security module holds the process, and whether it keeps the
// runtime from its cgroup.
func (e *exam) security(f *Finding) {
	profile := e.label(f, "/proc/self/attr/apparmor/current", "/proc/self/attr/current")
	armor, _ := e.read("/sys/module/apparmor/parameters/enabled")
	enforce, selinux := e.read("/sys/fs/selinux/enforce")
	switch {
	case selinux == nil:
		f.see("/sys/fs/selinux/enforce", enforce)
		f.say(OK, "SELinux %s, context %s", map[string]string{"1": "enforces", "0": "only reports"}[enforce], profile)
	case armor == "Y" || strings.Contains(profile, "("):
		f.say(OK, "AppArmor, profile %s", profile)
	case profile == "":
		f.say(OK, "no AppArmor and no SELinux that shows here")
	default:
		f.say(OK, "security label %s", profile)
	}
	if denied := e.denied(); denied.Source != "" {
		f.Evidence = append(f.Evidence, denied)
		f.say(Warn, "%s; reading the cgroup is refused", f.Found)
		f.advise("Go falls back to all CPUs, and no memory limit is found, without a word",
			"let the profile read them: @{PROC}/@{pid}/{cgroup,mountinfo} r, @{sys}/fs/cgroup/{,**} r,")
	}
}

func (e *exam) label(f *Finding, files ...string) string {
	for _, name := range files {
		if text, err := e.read(name); err == nil && text != "" {
			f.see(name, brief(text))
			return brief(text)
		}
	}
	return ""
}
