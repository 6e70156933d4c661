package rootfs

import (
	"fmt"
	"path"
	"strings"
)

// User is who a container's process is.
type User struct {
	UID int
	// GIDs are the primary group and, where known, the others.
	GIDs []int
}

// CheckExecutable says why a user could not execute the entry at a real path
// (Entry.Path); nil if the modes allow it: search on every parent, execute on the
// file. Root needs one execute bit. ACLs and capabilities are not looked at.
func CheckExecutable(x *Index, p string, u User) error {
	names := strings.Split(strings.Trim(p, "/"), "/")
	for i := range names {
		at := "/" + path.Join(names[:i]...)
		if dir, ok := x.Lookup(at); ok && u.UID != 0 && !u.may(dir) {
			return fmt.Errorf("directory %s has mode %04o and owner %d:%d: uid %d cannot pass it", at, uint32(dir.Mode), dir.UID, dir.GID, u.UID)
		}
	}
	e, ok := x.Lookup(p)
	if !ok || e.Type != File {
		return fmt.Errorf("%s is not a regular file", p)
	}
	if (u.UID == 0 && e.Mode&0o111 != 0) || u.may(e) {
		return nil
	}
	return fmt.Errorf("%s has mode %04o and owner %d:%d: uid %d cannot execute it", p, uint32(e.Mode), e.UID, e.GID, u.UID)
}

// may reports whether the execute bit that counts for u is set: the owner's, else
// the group's, else the others', as the kernel chooses.
func (u User) may(e Entry) bool {
	if u.UID == e.UID {
		return e.Mode&0o100 != 0
	}
	for _, gid := range u.GIDs {
		if gid == e.GID {
			return e.Mode&0o010 != 0
		}
	}
	return e.Mode&0o001 != 0
}
