package main

import (
	"fmt"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/lab/trial"
)

// engine are some of the claims again, in containers that crun makes.
func engine() section {
	under := func(name string, ns trial.Namespace, limits ...string) trial.Trial {
		return trial.Trial{Groups: []trial.Group{group(name), group("ctr", limits...)}, Namespace: ns, View: trial.ReadOnly, Crun: true}
	}
	work := []string{"churn", "60", "1000"}
	seen := func(r trial.Result) string {
		if all, err := reports(r); err == nil && len(all) == 1 && r.Exit == 0 {
			return lived(r) + "; " + placed(r, all[0])
		}
		return lived(r)
	}
	const tight = "GOMAXPROCS 3; limit 95MiB"
	claims := []claim{
		{says: "a third of the first table's garbage, no memory limit in the image", variant: "plain", args: work, expected: "exit 137, oom_kill 1"},
		{says: "the same, `memlimit: env`", variant: "env", args: work, expected: "exit 0, oom_kill 0; `0::/`; " + tight},
		{says: "the same, `memlimit: auto`", variant: "auto", args: work, expected: "exit 0, oom_kill 0; `0::/`; " + tight},
	}
	for i := range claims {
		claims[i].trial = under("crun-"+claims[i].variant, trial.Private, cpu(2.5), "memory.high=104857600", "memory.max=125829120")
		claims[i].trial.Beside = claims[i].variant == "plain"
	}
	return section{
		title: "Under crun", intro: "Containers that Debian's crun makes, from a bundle as engines write it, with 2.5 processors.",
		seen: seen,
		claims: append(claims, claim{
			says: "200 MiB, host namespace, `memlimit: auto`", variant: "auto", trial: under("engine", trial.Host, cpu(2.5), "memory.max=209715200"),
			expected: "exit 0, oom_kill 0; `0::/engine/ctr`; GOMAXPROCS 3; limit 180MiB",
		}),
	}
}

// running are changes of a limit while the service runs.
func running() section {
	seen := func(r trial.Result) string {
		all, err := reports(r)
		if err != nil || len(all) != 2 || r.Exit != 0 {
			return ended(r)
		}
		return fmt.Sprintf("GOMAXPROCS %d, then %d", all[0].MaxProcs, all[1].MaxProcs)
	}
	changed := func(from, to float64) trial.Trial {
		t := container(group("ctr", cpu(from)))
		file, value, _ := strings.Cut(cpu(to), "=")
		t.Change = map[string]string{file: value}
		return t
	}
	return section{
		title: "A limit that changes", intro: "`cpu.max` is written while the service runs.", seen: seen,
		claims: []claim{
			{says: "from 2.5 to 5 processors", variant: "plain", args: []string{"follow"}, trial: changed(2.5, 5), expected: "GOMAXPROCS 3, then 5"},
			{says: "from 5 to 2.5", variant: "plain", args: []string{"follow"}, trial: changed(5, 2.5), expected: "GOMAXPROCS 5, then 3"},
		},
	}
}

// grammars are values that look right and are not.
func grammars() section {
	with := func(env ...string) trial.Trial {
		t := container(group("ctr", cpu(4)))
		t.Env = env
		return t
	}
	seen := func(r trial.Result) string {
		if r.Exit == 2 && r.Out == "" && strings.Contains(r.Err, "malformed GOMEMLIMIT") {
			return "exit 2 before main, malformed GOMEMLIMIT"
		}
		return ofLast(func(_ trial.Result, rep reported) string {
			return fmt.Sprintf("%s; GOGC %d; GOMAXPROCS %d", limit(rep.Limit), rep.GOGC, rep.MaxProcs)
		})(r)
	}
	const defaults = "no limit; GOGC 100; GOMAXPROCS 4"
	row := func(says, env, expected string) claim {
		return claim{says: says, variant: "plain", trial: with(env), expected: expected}
	}
	const fatal = "exit 2 before main, malformed GOMEMLIMIT"
	return section{
		title: "Grammar of the variables", intro: "A limit of 4 processors, and one variable.", seen: seen,
		claims: []claim{
			row("`GOMEMLIMIT=1G` is fatal", "GOMEMLIMIT=1G", fatal),
			row("`GOMEMLIMIT=512M` is fatal", "GOMEMLIMIT=512M", fatal),
			row("`GOMEMLIMIT=1.5GiB` is fatal", "GOMEMLIMIT=1.5GiB", fatal),
			row("`GOMEMLIMIT=1GiB` is a limit", "GOMEMLIMIT=1GiB", "limit 1GiB; GOGC 100; GOMAXPROCS 4"),
			row("`GOGC=50` is taken", "GOGC=50", "no limit; GOGC 50; GOMAXPROCS 4"),
			row("`GOGC=50%` is ignored", "GOGC=50%", defaults),
			row("`GOMAXPROCS=2` is taken, the limit is not", "GOMAXPROCS=2", "no limit; GOGC 100; GOMAXPROCS 2"),
			row("`GOMAXPROCS=2.5` is ignored, the limit is taken", "GOMAXPROCS=2.5", defaults),
		},
	}
}

// pressure is what memory.high does, and what it does not. Without GOGC nothing but a
// memory limit makes Go collect, so that one collection would be the kernel's doing.
func pressure() section {
	under := func(name string, env ...string) trial.Trial {
		t := container(group(name, "memory.high=100M"))
		t.Env, t.CPUs, t.Beside = append(env, "GOGC=off"), 2, len(env) == 0
		return t
	}
	seen := ofLast(func(r trial.Result, rep reported) string {
		return fmt.Sprintf("%s collected; %s throttled", whether(rep.Collected > 0), whether(r.Events["high"] > 0))
	})
	return section{
		title: "memory.high", intro: "`GOGC=off` under `memory.high` 100 MiB, without a `memory.max`; throttled is `high` of `memory.events`.", seen: seen,
		claims: []claim{
			{says: "104 MiB of garbage: the kernel throttles, Go does not collect", variant: "plain", args: []string{"churn", "0", "104"}, trial: under("high-none"), expected: "not collected; is throttled"},
			{says: "300 MiB of garbage with `GOMEMLIMIT=80MiB`: Go collects, the kernel need not throttle", variant: "plain", args: []string{"churn", "0", "300"}, trial: under("high-limit", "GOMEMLIMIT=80MiB"), expected: "is collected; not throttled"},
		},
	}
}

func whether(b bool) string {
	if b {
		return "is"
	}
	return "not"
}
