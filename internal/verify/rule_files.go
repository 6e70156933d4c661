package verify

import (
	"slices"

	"github.com/plimsoll-build/plimsoll/internal/rootfs"
)

// judgeAccounts demands a passwd file where os/user is linked: without cgo it reads
// nothing else, and fails on an empty root.
func judgeAccounts(in *inspection) outcome {
	return in.judgeLookup(userLookup, none, "accounts", []string{passwdPath}, nil)
}

// judgeTemp demands the directory that os.CreateTemp and os.MkdirTemp write to, and
// that the user may write there. A mount of the deployment can bring it as well.
func judgeTemp(in *inspection) outcome {
	var t tally
	dir := "/tmp"
	if v := in.env("TMPDIR"); len(v) > 0 && v[len(v)-1] != "" {
		dir = v[len(v)-1]
	}
	asked := false
	for _, p := range in.binaries(&t) {
		if p.linked.err != nil {
			t.unknown("%s: %v", p.path, p.linked.err)
		}
		if m := p.linked.found[tempFiles]; m.Total > 0 {
			asked = true
			in.judgeTempDir(&t, p, m.Names[0], dir)
		}
	}
	if !asked && len(t.unknowns) == 0 {
		return skip("no binary makes temporary files")
	}
	return t.outcome("temporary files in " + dir)
}

func (in *inspection) judgeTempDir(t *tally, p program, code, dir string) {
	e, err := in.root.Resolve(dir)
	user, unknown := in.user()
	switch {
	case err != nil || e.Type != rootfs.Dir:
		t.fail(p.path, code+" is linked in, and "+dir+" is not a directory of the image", "a directory there, or one mounted at run time")
	case unknown != nil:
		t.unknown("who writes to %s: %v", dir, unknown)
	case !mayWrite(e, user):
		t.fail(p.path, code+" is linked in, and the user may not write to "+dir, "mode 1777, or a directory of the user")
	}
}

// mayWrite reports whether a user may make files in a directory.
func mayWrite(dir rootfs.Entry, u rootfs.User) bool {
	const all = 0o3 // write and search
	switch {
	case u.UID == 0:
		return true
	case u.UID == dir.UID:
		return dir.Mode>>6&all == all
	case slices.Contains(u.GIDs, dir.GID):
		return dir.Mode>>3&all == all
	}
	return dir.Mode&all == all
}
