package planner

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/rootdata"
)

// nonroot is the default user and group, as distroless and Kubernetes examples have it.
const nonroot = 65532

// owner is the user and group that the service runs as.
type owner struct{ uid, gid int }

// owner reads image.user; a user alone is its own group.
func (p *planning) owner() owner {
	if p.service.Image.User == "" {
		return owner{nonroot, nonroot}
	}
	user, group, ok := strings.Cut(p.service.Image.User, ":")
	if !ok {
		group = user
	}
	uid, err := strconv.ParseUint(user, 10, 31)
	gid, err2 := strconv.ParseUint(group, 10, 31)
	if err != nil || err2 != nil {
		p.problem("image.user", "user", "%q is not numeric: write UID:GID", p.service.Image.User)
	}
	if uid == 0 {
		p.warn("image.user", "root", "the service would run as root, which the rule user of plimsoll verify refuses")
	}
	return owner{int(uid), int(gid)}
}

// String is the config's User.
func (o owner) String() string { return fmt.Sprintf("%d:%d", o.uid, o.gid) }

func (o owner) isDefault() bool { return o == owner{nonroot, nonroot} }

// home is the owner's home directory on scratch.
func (o owner) home() string {
	if o.uid == 0 {
		return "/root"
	}
	return rootdata.Home
}
