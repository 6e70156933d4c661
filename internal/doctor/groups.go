package doctor

import (
	"errors"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/cgroup"
)

// seeMounts puts the cgroup mounts into the evidence.
func (e *exam) seeMounts(f *Finding) {
	for _, m := range e.view.Mounts {
		words := []string{"cgroup" + map[int]string{1: "", 2: "2"}[m.Version], "at " + m.Point, "root " + m.Root, map[bool]string{true: "ro", false: "rw"}[m.ReadOnly]}
		if m.Version == 1 {
			words = append(words, strings.Join(m.Controllers, ","))
		}
		f.see("/proc/self/mountinfo", strings.Join(words, " "))
	}
}

func (e *exam) cgroupMode(f *Finding) {
	e.seeMounts(f)
	switch e.view.Mode {
	case cgroup.ModeV2:
		f.say(OK, "cgroup v2")
	case cgroup.ModeHybrid:
		f.say(Note, "hybrid: controllers of v1, and a v2 without them")
		f.advise("Go and our hook read v1 where a controller is there; memory.high does not exist, and crun refuses such hosts", "boot with systemd.unified_cgroup_hierarchy=1; under WSL update to 2.5.1 or newer")
	case cgroup.ModeV1:
		f.say(Note, "cgroup v1")
		if !e.view.Emulated {
			f.advise("Go reads it, but there is no memory.high, and engines are giving it up", "boot with systemd.unified_cgroup_hierarchy=1")
		}
	case cgroup.ModeNone:
		f.say(Warn, "no cgroup file system is mounted")
		f.see("/proc/self/mountinfo", "no line of type cgroup or cgroup2")
		f.advise("limits may be enforced, but no process here can read them: Go takes all CPUs", "mount it as the container runtime does by itself (do not mask /sys), or set GOMAXPROCS and GOMEMLIMIT")
	default:
		f.say(Unknown, "the mounts cannot be read")
		f.see("/proc/self/mountinfo", cgroup.Reason(e.view.Err))
	}
}

// denied is the first file that may not be read.
func (e *exam) denied() Evidence {
	v := e.view
	if errors.Is(v.Err, fs.ErrPermission) {
		return Evidence{procFile(v.Err), "permission denied"}
	}
	for _, p := range []cgroup.Place{v.Memory.Place, v.CPU.Place} {
		if errors.Is(p.Err, fs.ErrPermission) {
			return Evidence{"/sys/fs/cgroup", "permission denied"}
		}
	}
	for _, r := range []cgroup.Reading{v.Memory.Max, {File: v.CPU.Quota.File, Err: v.CPU.Quota.Err}} {
		if errors.Is(r.Err, fs.ErrPermission) {
			return Evidence{r.File, "permission denied"}
		}
	}
	return Evidence{}
}

// procFile is the path of an error about a file of /proc.
func procFile(err error) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return "/" + strings.TrimPrefix(p.Path, "/")
	}
	return "/proc/self"
}

// cgroupMount judges whether the own group can be found in the mounts.
func (e *exam) cgroupMount(f *Finding) {
	for _, m := range e.view.Members {
		if m.V2() || slices.Contains(m.Controllers, "memory") || slices.Contains(m.Controllers, "cpu") {
			f.see("/proc/self/cgroup", brief(m.Hierarchy+":"+strings.Join(m.Controllers, ",")+":"+m.Path))
		}
	}
	p := e.view.Memory.Place
	switch {
	case p.Err == nil:
		f.see("/proc/self/mountinfo", p.Dir()+map[bool]string{true: " ro", false: " rw"}[p.ReadOnly])
		f.say(OK, "the own group is %s", p.Dir())
	case errors.Is(p.Err, cgroup.ErrOutside):
		e.seeMounts(f)
		f.say(Warn, "the mounted tree does not hold the own group")
		f.advise("a bind mount of the host's /sys/fs/cgroup covers the runtime's own mount: its root lies outside of the cgroup namespace, and no limit is found",
			"remove -v /sys/fs/cgroup:/sys/fs/cgroup and the like; a container gets the right mount by itself")
	case errors.Is(p.Err, fs.ErrPermission):
		f.see(e.denied().Source, "permission denied")
		f.say(Warn, "the own group cannot be read")
		f.advise("nothing can follow the limits", "see the finding security")
	case errors.Is(p.Err, fs.ErrNotExist) && e.view.Err == nil:
		f.say(Warn, "the own group %s is not below any mount", p.Path)
		f.advise("no limit can be found", "start the container with the cgroup namespace that the mount was made in")
	case e.view.Mode == cgroup.ModeNone || e.view.Mode == cgroup.ModeUnknown:
		f.say(Unknown, "nothing is mounted that could hold it")
	default:
		f.say(Unknown, "%s", cgroup.Reason(p.Err))
	}
}

func (e *exam) namespace(f *Finding) {
	if link, err := fs.ReadLink(e.fsys, "proc/self/ns/cgroup"); err == nil {
		f.see("/proc/self/ns/cgroup", link)
	}
	for _, m := range e.view.Members {
		if m.V2() || slices.Contains(m.Controllers, "memory") {
			f.see("/proc/self/cgroup", brief(m.Path))
		}
	}
	switch e.view.Namespace {
	case cgroup.NamespaceHost:
		f.say(OK, "the host's: ancestors of the own group are visible where they are mounted")
	case cgroup.NamespacePrivate:
		f.say(OK, "private: groups above the own root are not visible")
		if e.view.Memory.Err == nil && !e.anyLimit() && (e.is(Container) || e.is(Kubernetes)) {
			f.say(Note, "private, and no limit is visible in it")
			f.advise("a limit of the pod or slice above would hold all the same, and nothing in here could know", "give the container limits of its own, or set GOMEMLIMIT and GOMAXPROCS")
		}
	default:
		f.say(Unknown, "nothing tells which")
	}
}

func (e *exam) anyLimit() bool {
	return e.view.Memory.Max.Limited() || e.view.Memory.High.Limited() || e.view.CPU.Quota.Limited()
}

// controllers says what v2 lets the own group, and an engine of this user, limit.
func (e *exam) controllers(f *Finding) {
	if e.view.Mode == cgroup.ModeUnknown || e.view.Mode == cgroup.ModeNone {
		f.say(Unknown, "no cgroup is mounted or readable")
		return
	}
	if e.view.Mode != cgroup.ModeV2 {
		f.say(OK, "v1 controllers have hierarchies of their own; none can be delegated safely")
		return
	}
	dir, have := e.view.Memory.Dir(), e.view.Controllers
	if i := slices.IndexFunc(e.view.Memory.Dirs, func(d string) bool { return managerDir.MatchString(path.Base(d)) }); i >= 0 {
		dir = e.view.Memory.Dirs[i]
		text, _ := e.read(dir + "/cgroup.controllers")
		have = strings.Fields(text)
	}
	if dir == "" {
		f.say(Unknown, "the own group is not visible")
		return
	}
	f.see(dir+"/cgroup.controllers", strings.Join(have, " "))
	var missing []string
	for _, c := range []string{"cpu", "memory", "pids"} {
		if !slices.Contains(have, c) {
			missing = append(missing, c)
		}
	}
	f.say(OK, "%s", strings.Join(have, ", "))
	if len(missing) > 0 {
		f.say(Warn, "without %s", strings.Join(missing, ", "))
		f.advise("what is not delegated cannot be limited: a rootless engine ignores --memory or --cpus, or refuses them",
			"delegate it: Delegate=cpu cpuset io memory pids in user@.service.d/delegate.conf, then log in again")
	}
}

var managerDir = regexp.MustCompile(`^user@[0-9]+\.service$`)

// driver names the cgroup driver of an engine where a path or a file tells.
func (e *exam) driver(f *Finding) {
	if text, err := e.read("/etc/docker/daemon.json"); err == nil {
		if d := driverOption.FindStringSubmatch(text); d != nil {
			f.see("/etc/docker/daemon.json", "native.cgroupdriver="+d[1])
			f.say(OK, "Docker is told to use %s", d[1])
			return
		}
	}
	for _, m := range e.view.Members {
		switch {
		case engineScope.MatchString(m.Path), strings.Contains(m.Path, "/kubepods.slice/"):
			f.see("/proc/self/cgroup", brief(m.Path))
			f.say(OK, "systemd")
			return
		case strings.Contains(m.Path, "/kubepods/"), strings.HasPrefix(m.Path, "/docker/"):
			f.see("/proc/self/cgroup", brief(m.Path))
			f.say(OK, "cgroupfs")
			if _, err := e.read("/run/systemd/private"); !errors.Is(err, fs.ErrNotExist) {
				f.say(Note, "cgroupfs beside systemd")
				f.advise("two managers of one tree disagree under load", "native.cgroupdriver=systemd for Docker, cgroupDriver: systemd for the kubelet")
			}
			return
		}
	}
	f.say(OK, "no engine's path or setting shows one")
}

var (
	driverOption = regexp.MustCompile(`"native\.cgroupdriver=(systemd|cgroupfs)"`)
	engineScope  = regexp.MustCompile(`(docker|crio|cri-containerd|libpod)-[0-9a-f]+\.scope`)
)
