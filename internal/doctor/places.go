package doctor

import (
	"regexp"
	"slices"
	"strings"
)

// add takes a place once, with its evidence.
func (e *exam) add(p Place, source, value string) {
	if !slices.Contains(e.places, p) {
		e.places = append(e.places, p)
	}
	e.seen = append(e.seen, Evidence{source, value})
}

// recognise gathers evidence of where the process runs. None of it changes how limits
// are read: it only explains them.
func (e *exam) recognise() {
	e.recogniseKernel()
	e.recogniseFiles()
	e.recogniseGroups()
	e.recogniseEnv()
	e.recogniseUsers()
}

func (e *exam) recogniseKernel() {
	if text, err := e.read("/proc/sys/kernel/osrelease"); err == nil {
		// Microsoft's kernels say so: 4.4.0-19041-Microsoft emulates Linux (WSL 1),
		// 5.15.90.1-microsoft-standard-WSL2 is one.
		switch {
		case strings.HasSuffix(text, "-Microsoft"):
			e.add(WSL1, "/proc/sys/kernel/osrelease", brief(text))
		case strings.Contains(text, "microsoft-standard"):
			e.add(WSL2, "/proc/sys/kernel/osrelease", brief(text))
		}
	}
	// gVisor gives every container the same made-up kernel; a controller named job is
	// its own invention.
	if text, err := e.read("/proc/version"); err == nil && strings.Contains(text, "Sun Jan 10 15:06:54 PST 2016") {
		e.add(GVisor, "/proc/version", brief(text))
	}
	if e.view.Emulated {
		e.add(GVisor, "/proc/self/mountinfo", "cgroup controller job")
	}
}

func (e *exam) recogniseFiles() {
	for _, known := range []struct {
		file string
		is   Place
	}{
		{"/.dockerenv", Container},
		{"/run/.containerenv", Container},
		{"/run/secrets/kubernetes.io/serviceaccount/namespace", Kubernetes},
		{"/var/run/secrets/kubernetes.io/serviceaccount/namespace", Kubernetes},
		{"/dev/.lxc/proc", LXC},
	} {
		if text, err := e.read(known.file); err == nil {
			e.add(known.is, known.file, brief(text))
		}
	}
	if text, err := e.read("/run/systemd/container"); err == nil {
		e.add(containerNamed(text), "/run/systemd/container", brief(text))
	}
}

// containerNamed is the place of a value that systemd's and LXC's convention puts
// into $container.
func containerNamed(name string) Place {
	switch {
	case strings.HasPrefix(name, "lxc"):
		return LXC
	case name == "wsl":
		return WSL2
	}
	return Container
}

// Group paths, as engines and systemd make them.
var (
	containerPath = regexp.MustCompile(`(^|/)(docker|libpod|crio|cri-containerd)[-/](conmon-)?[0-9a-f]{12,64}(\.scope)?|/docker/[0-9a-f]{12,64}`)
	podPath       = regexp.MustCompile(`/kubepods(\.slice|/|-)`)
	userPath      = regexp.MustCompile(`/user\.slice/user-[0-9]+\.slice/`)
	lxcPath       = regexp.MustCompile(`^/lxc(\.payload\.|/)`)
	nomadPath     = regexp.MustCompile(`/nomad(\.slice)?/`)
)

func (e *exam) recogniseGroups() {
	for _, m := range e.view.Members {
		for _, known := range []struct {
			path *regexp.Regexp
			is   Place
		}{{containerPath, Container}, {podPath, Kubernetes}, {userPath, UserSession}, {lxcPath, LXC}, {nomadPath, Nomad}} {
			if known.path.MatchString(m.Path) && !slices.Contains(e.places, known.is) {
				e.add(known.is, "/proc/self/cgroup", brief(m.Path))
			}
		}
		for name := range strings.SplitSeq(m.Path, "/") {
			if strings.HasSuffix(name, ".service") && !strings.HasPrefix(name, "user@") && !e.is(SystemdUnit) {
				e.add(SystemdUnit, "/proc/self/cgroup", brief(m.Path))
			}
		}
	}
}

func (e *exam) recogniseEnv() {
	for _, known := range []struct {
		name string
		is   Place
	}{{"KUBERNETES_SERVICE_HOST", Kubernetes}, {"NOMAD_ALLOC_ID", Nomad}, {"K_SERVICE", CloudRun}, {"CLOUD_RUN_JOB", CloudRun}, {"INVOCATION_ID", SystemdUnit}} {
		if _, ok := e.env[known.name]; ok {
			e.add(known.is, "env "+known.name, "set")
		}
	}
	if name, ok := e.env["container"]; ok {
		e.add(containerNamed(name), "env container", brief(name))
	}
}

// recogniseUsers: a user namespace maps less than all users, or 0 to another.
func (e *exam) recogniseUsers() {
	text, err := e.read("/proc/self/uid_map")
	if fields := strings.Fields(text); err == nil && len(fields) >= 3 && (fields[0] != "0" || fields[1] != "0" || fields[2] != "4294967295") {
		e.add(Rootless, "/proc/self/uid_map", strings.Join(fields[:3], " "))
	}
}

func (e *exam) is(p Place) bool { return slices.Contains(e.places, p) }

func (e *exam) place(f *Finding) {
	f.Evidence = e.seen
	if len(e.places) == 0 {
		f.say(OK, "nothing shows a container, a pod or a unit")
		return
	}
	var words []string
	for _, p := range e.places {
		words = append(words, string(p))
	}
	f.say(OK, "%s", strings.Join(words, ", "))
	switch {
	case e.is(GVisor):
		f.say(Note, "%s", strings.Join(words, ", "))
		f.advise("gVisor answers from files of its own: a quota and a limit are in them, but no file of v2, and few statistics", "nothing; GOMAXPROCS works, and an automatic memory limit reads the v1 files")
	case e.is(CloudRun) && e.view.Memory.Max.Err != nil:
		f.say(Note, "%s", strings.Join(words, ", "))
		f.advise("the service's limits are in no file, so that nothing can follow them", "set GOMEMLIMIT and GOMAXPROCS in the service's environment")
	}
}
