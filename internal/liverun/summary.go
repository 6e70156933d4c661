package liverun

import (
	"fmt"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

// summary says in a line what was seen.
func summary(o Observation) string {
	parts := []string{o.Runtime}
	if o.Lived {
		parts = append(parts, fmt.Sprintf("lived for %s", o.Waited))
	}
	if o.MaxProcs > 0 {
		parts = append(parts, fmt.Sprintf("GOMAXPROCS %d", o.MaxProcs))
	}
	p := o.Process
	if p == nil {
		return strings.Join(parts, ", ")
	}
	env, _ := lookup(p.Env, "GOMEMLIMIT")
	if n, err := hookLimit(o.Hook); o.Hook != "" && env == "" && err == nil {
		env = shownLimit(n)
	}
	if n, err := tuning.ParseMemLimit(env); err == nil && n != tuning.Unlimited {
		env = tuning.RoundedSize(n)
	} else if env == "" {
		env = "off"
	}
	parts = append(parts, "GOMEMLIMIT "+env, "limit "+reading(p.Group.Memory.Max))
	if q := p.Group.CPU.Quota; q.Limited() {
		parts = append(parts, fmt.Sprintf("%.4g CPUs", q.Cores()))
	}
	parts = append(parts, p.groupText(), p.userText())
	if p.Root == "ro" {
		parts = append(parts, "read-only root")
	}
	if p.Peak > 0 {
		parts = append(parts, "peak "+tuning.RoundedSize(p.Peak))
	}
	return strings.Join(parts, ", ")
}

// userText is the user, as far as the container has numbers for it.
func (p *Process) userText() string {
	if p.UID == unmapped || p.GID == unmapped {
		return "user not mapped"
	}
	return fmt.Sprintf("user %d:%d", p.UID, p.GID)
}

// groupText is the kind of control group, how it is mounted inside, and the namespace.
func (p *Process) groupText() string {
	words := []string{"cgroup " + string(p.Group.Mode)}
	if len(p.Inside) > 0 {
		words = append(words, map[bool]string{true: "ro", false: "rw"}[p.Inside[0].ReadOnly])
	}
	return strings.Join(append(words, map[bool]string{true: "private", false: "host"}[p.Private]+" namespace"), " ")
}
