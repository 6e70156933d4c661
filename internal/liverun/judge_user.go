package liverun

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// account judges whom the service runs as, and on what root.
func account(p *Process, user string, f *Findings) {
	if p.UID == unmapped || p.GID == unmapped {
		f.unknown("the user: the container's user namespace has no number for it")
	} else {
		runsAs(p, user, f)
	}
	if p.Root != "ro" {
		f.warn("run root", cmp.Or(p.Root, "not seen"), "read-only, as it was started")
	}
}

// runsAs compares the process's user with the config's.
func runsAs(p *Process, user string, f *Findings) {
	want := user
	if want == "" {
		want = "0:0"
	}
	u, g, ok := strings.Cut(want, ":")
	if !ok {
		g = fmt.Sprint(p.GID) // the engine looks the group up
	}
	if _, err := strconv.Atoi(u); err == nil && (u != fmt.Sprint(p.UID) || g != fmt.Sprint(p.GID)) {
		f.fail("run user", fmt.Sprintf("%d:%d", p.UID, p.GID), want)
	}
}
