package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/lab/trial"
)

// limits are files of a control group, as "memory.max=120M cpu.max=max".
func group(name string, limits ...string) trial.Group {
	g := trial.Group{Name: name, Limits: map[string]string{}}
	for _, l := range limits {
		file, value, _ := strings.Cut(l, "=")
		g.Limits[file] = value
	}
	return g
}

// cpu is the cpu.max of a number of processors.
func cpu(cores float64) string {
	return "cpu.max=" + strconv.Itoa(int(cores*100_000)) + " 100000"
}

// container is what a container engine makes on cgroup v2, unless told otherwise.
func container(groups ...trial.Group) trial.Trial {
	return trial.Trial{Groups: groups, Namespace: trial.Private, View: trial.ReadOnly}
}

func sections() []section {
	return []section{kills(), places(), engine(), precedence(), quotas(), running(), grammars(), pressure()}
}

func kills() section {
	under := func(name string) trial.Trial {
		t := container(group(name, "memory.high=100M", "memory.max=120M"))
		t.CPUs = 2
		t.Beside = name == "kills-plain" // the kernel throttles it: it waits
		return t
	}
	work := []string{"churn", "60", "3000"}
	return section{
		title: "Memory",
		intro: "A service holds 60 MiB and makes 3,000 MiB of garbage, one MiB at a time, under `memory.high` 100 MiB and " +
			"`memory.max` 120 MiB. `oom_kill` is of its group's `memory.events`.",
		seen: lived,
		claims: []claim{
			{says: "no memory limit in the image: the kernel kills", variant: "plain", args: work, trial: under("kills-plain"), expected: "exit 137, oom_kill 1"},
			{says: "`memlimit: env`: the work is done", variant: "env", args: work, trial: under("kills-env"), expected: "exit 0, oom_kill 0"},
			{says: "`memlimit: auto`: the work is done", variant: "auto", args: work, trial: under("kills-auto"), expected: "exit 0, oom_kill 0"},
		},
	}
}

// places are the rows of where a process can see its limits.
func places() section {
	limits := []string{cpu(2.5), "memory.max=200M"}
	in := func(ns trial.Namespace, view trial.View, groups ...trial.Group) trial.Trial {
		return trial.Trial{Namespace: ns, View: view, Groups: groups}
	}
	ctr, pod := group("ctr", limits...), group("pod", limits...)
	denied := container(ctr)
	denied.Deny = []string{"/proc/self/cgroup"}
	const found, lost = "GOMAXPROCS 3; limit 180MiB", "GOMAXPROCS 8; no limit"
	row := func(says string, t trial.Trial, expected string) claim {
		return claim{says: says, variant: "auto", trial: t, expected: expected}
	}
	return section{
		title: "Where the limits are visible",
		intro: "2.5 of 8 processors and 200 MiB, `memlimit: auto`. First what `/proc/self/cgroup` says, then what the Go runtime " +
			"and the start-up hook made of it; a found limit is 90 % of 200 MiB.",
		seen: ofLast(placed),
		claims: []claim{
			row("private namespace, read-only mount (the engines' default)", in(trial.Private, trial.ReadOnly, ctr), "`0::/`; "+found),
			row("private namespace, writable mount", in(trial.Private, trial.ReadWrite, ctr), "`0::/`; "+found),
			row("host namespace", in(trial.Host, trial.ReadOnly, ctr), "`0::/ctr`; "+found),
			row("host namespace, two levels", in(trial.Host, trial.ReadOnly, group("pod"), ctr), "`0::/pod/ctr`; "+found),
			row("no mount of the control groups", in(trial.Private, trial.NoCgroup, ctr), "`0::/`; "+lost),
			row("no mount, host namespace", in(trial.Host, trial.NoCgroup, ctr), "`0::/ctr`; "+lost),
			row("the mount is masked", in(trial.Private, trial.Masked, ctr), "`0::/`; "+lost),
			row("no `/sys`", in(trial.Private, trial.NoSys, ctr), "`0::/`; "+lost),
			row("private namespace and `-v /sys/fs/cgroup:/sys/fs/cgroup`", in(trial.Private, trial.HostBind, ctr), "`0::/`; "+lost),
			row("limits of the parent only (a pod's), private namespace", in(trial.Private, trial.ReadOnly, pod, group("ctr")), "`0::/`; "+lost),
			row("limits of the parent only, host namespace", in(trial.Host, trial.ReadOnly, pod, group("ctr")), "`0::/pod/ctr`; GOMAXPROCS 8; limit 180MiB"),
			row("`/proc/self/cgroup` may not be read, as under an AppArmor profile without it", denied, "`permission denied`; "+lost),
			row("colons in the path", in(trial.Host, trial.ReadOnly, group("a:b:c", limits...)), "`0::/a:b:c`; "+found),
			row("a space in the path", in(trial.Host, trial.ReadOnly, group("a b", limits...)), "`0::/a b`; "+found),
		},
	}
}

// precedence is about who decides on the limit.
func precedence() section {
	with := func(t trial.Trial, env ...string) trial.Trial {
		t.Env = env
		return t
	}
	ctr := func(limits ...string) trial.Trial { return container(group("ctr", limits...)) }
	blind := container(group("ctr", "memory.max=200M"))
	blind.View = trial.NoSys
	seen := func(r trial.Result, rep reported) string {
		return fmt.Sprintf("%s; %s on stderr", limit(rep.Limit), lines(r.Err))
	}
	row := func(says string, t trial.Trial, expected string) claim {
		return claim{says: says, variant: "auto", trial: t, expected: expected}
	}
	return section{
		title: "The start-up hook", intro: "`memlimit: auto`; all of these start.", seen: ofLast(seen),
		claims: []claim{
			row("`memory.max` 200 MiB: 90 % of it", ctr("memory.max=200M"), "limit 180MiB; nothing on stderr"),
			row("`memory.high` 180 MiB below `memory.max` 200 MiB: 95 % of it", ctr("memory.high=180M", "memory.max=200M"), "limit 171MiB; nothing on stderr"),
			row("`memory.high` alone", ctr("memory.high=200M"), "limit 190MiB; nothing on stderr"),
			row("`GOMEMLIMIT=100MiB` of the operator wins", with(ctr("memory.max=200M"), "GOMEMLIMIT=100MiB"), "limit 100MiB; nothing on stderr"),
			row("`GOMEMLIMIT=off` wins", with(ctr("memory.max=200M"), "GOMEMLIMIT=off"), "no limit; nothing on stderr"),
			row("a group without a limit: the runtime's default stays", ctr(), "no limit; nothing on stderr"),
			row("a limit that leaves less than 64 MiB: none is set", ctr("memory.max=70M"), "no limit; nothing on stderr"),
			row("`PLIMSOLL_DEBUG=1` says what was found", with(ctr("memory.max=200M"), "PLIMSOLL_DEBUG=1"), "limit 180MiB; one line on stderr"),
			row("nothing can be read, `PLIMSOLL_DEBUG=1` says so", with(blind, "PLIMSOLL_DEBUG=1"), "no limit; one line on stderr"),
		},
	}
}

func lines(s string) string {
	switch n := strings.Count(s, "\n"); {
	case s == "":
		return "nothing"
	case n == 1 && strings.HasSuffix(s, "\n"):
		return "one line"
	default:
		return fmt.Sprintf("%q", s)
	}
}

// quotas are GOMAXPROCS by cpu.max.
func quotas() section {
	s := section{
		title: "GOMAXPROCS", intro: "The runtime's choice on 8 processors, by `cpu.max` in processors.", seen: ofLast(procs),
	}
	for _, row := range []struct {
		cores float64
		want  int
	}{{0.5, 2}, {1, 2}, {1.5, 2}, {2.1, 3}, {2.5, 3}, {4, 4}, {9, 8}} {
		s.claims = append(s.claims, claim{
			says:     fmt.Sprintf("a limit of %g", row.cores),
			variant:  "plain",
			trial:    container(group("ctr", cpu(row.cores))),
			expected: fmt.Sprintf("GOMAXPROCS %d", row.want),
		})
	}
	narrow := container(group("ctr", cpu(4)))
	narrow.CPUs = 3
	return s.and(
		claim{says: "no limit", variant: "plain", trial: container(group("ctr")), expected: "GOMAXPROCS 8"},
		claim{says: "a limit of 4, an affinity mask of 3", variant: "plain", trial: narrow, expected: "GOMAXPROCS 3"},
		claim{says: "a limit of 2.5, `go 1.24` in go.mod: all processors", variant: "go1.24", trial: container(group("ctr", cpu(2.5))), expected: "GOMAXPROCS 8"},
	)
}

func (s section) and(more ...claim) section {
	s.claims = append(s.claims, more...)
	return s
}
