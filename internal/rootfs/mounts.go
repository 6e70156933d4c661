package rootfs

import (
	"path"
	"slices"
	"strings"
)

// MountPoints are where a container runtime mounts what the kernel shows: the Go
// runtime reads its CPU limit below /proc and /sys/fs/cgroup.
func MountPoints() []string { return []string{"/dev", "/proc", "/sys", "/sys/fs/cgroup"} }

// Problem is something that a root filesystem or the config over it must not hold.
type Problem struct {
	// Path is where.
	Path string
	// Got and Want are the two values that disagree.
	Got, Want string
}

// Container is what of an image's config decides where a runtime mounts things.
type Container struct {
	Volumes    []string
	WorkingDir string
}

// CheckMounts reports what hides or covers the mount points: they must be absent
// or real directories, with nothing in them but the way to the next one, and no
// volume or working directory may lie over or in them.
func CheckMounts(x *Index, c Container) []Problem {
	var problems []Problem
	for _, p := range []string{"/dev", "/proc", "/sys", "/sys/fs", "/sys/fs/cgroup"} {
		problems = append(problems, checkMount(x, p)...)
	}
	for _, v := range slices.Sorted(slices.Values(c.Volumes)) {
		problems = append(problems, checkVolume(x, v)...)
	}
	if c.WorkingDir != "" {
		problems = append(problems, checkWorkingDir(x, c.WorkingDir)...)
	}
	return problems
}

// checkMount looks at one mount point, or at /sys/fs on the way to one.
func checkMount(x *Index, p string) []Problem {
	e, ok := x.Lookup(p)
	switch {
	case !ok || e.Path != p: // behind a link, which is reported where it is
		return nil
	case e.Type == Symlink:
		return []Problem{{p, "a symlink to " + e.Link, "absent or an empty directory"}}
	case e.Type != Dir:
		return []Problem{{p, "a " + string(e.Type), "absent or an empty directory"}}
	}
	var problems []Problem
	for _, child := range x.Children(p) {
		if child.Path == "/sys/fs" || child.Path == "/sys/fs/cgroup" {
			continue
		}
		problems = append(problems, Problem{child.Path, "a " + string(child.Type) + " in the image", "nothing: the runtime mounts over " + p})
	}
	return problems
}

func checkVolume(x *Index, volume string) []Problem {
	at, err := x.Where(volume)
	if err != nil {
		return []Problem{{volume, "a volume whose place cannot be told: " + err.Error(), "a path that can be resolved"}}
	}
	for _, p := range MountPoints() {
		if within(at, p) || within(p, at) {
			return []Problem{{volume, "a volume at " + at, "no volume over or in " + p}}
		}
	}
	return nil
}

func checkWorkingDir(x *Index, dir string) []Problem {
	at, err := x.Where(dir)
	if err != nil {
		return []Problem{{dir, "a working directory that cannot be found: " + err.Error(), "a path that can be resolved"}}
	}
	for _, p := range MountPoints() {
		if within(at, p) {
			return []Problem{{dir, "the working directory " + at, "none in " + p}}
		}
	}
	return nil
}

// within reports whether p is dir or lies below it; both are clean.
func within(p, dir string) bool {
	return p == dir || strings.HasPrefix(p, path.Join(dir, "/")+"/") || dir == "/"
}
