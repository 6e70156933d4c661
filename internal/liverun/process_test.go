package liverun

import (
	"io/fs"
	"reflect"
	"strings"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/cgroup/recorded"
)

// serviceOf7 is process 7 in the group of v2Group, in a user namespace of its own.
const serviceOf7 = v2Group + `
-- proc/self/ns/user --
-> user:[1]
-- proc/7/ns/user --
-> user:[2]
-- proc/7/environ --
A=b` + "\x00GODEBUG=" + trace + "\x00" + `
-- proc/7/status --
Uid:	165531	165531	165531	165531
Gid:	100007	100007	100007	100007
Cpus_allowed_list:	0-7
-- proc/7/uid_map --
         0       1000          1
         1     100000      65536
-- proc/7/gid_map --
         0     100000      65536
-- proc/7/mountinfo --
30 23 0:20 / / ro,relatime - overlay overlay rw
31 30 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup rw
-- proc/7/cgroup --
0::/
-- proc/7/fd/3 --
-> /sys/fs/cgroup/cpu.max
`

// ending is a tree whose process 7 ends after some reads.
type ending struct {
	tree recorded.Tree
	left int
	// zombie is one that nobody has waited for yet: its files are there, and say nothing.
	zombie bool
}

func (e *ending) check(op, name string) error {
	if e.left--; e.left >= 0 || !strings.HasPrefix(name, "proc/7/") || e.zombie && strings.HasSuffix(name, "cgroup") {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

func (e *ending) Open(name string) (fs.File, error) {
	if err := e.check("open", name); err != nil {
		return nil, err
	}
	return e.tree.Open(name)
}

func (e *ending) ReadLink(name string) (string, error) {
	if err := e.check("readlink", name); err != nil {
		return "", err
	}
	return e.tree.ReadLink(name)
}

func (e *ending) Lstat(name string) (fs.FileInfo, error) { return e.tree.Lstat(name) }

// A sample of a process that ends meanwhile is none: it would say that it has no cgroup.
func TestLookAtTheEnd(t *testing.T) {
	tree, _ := recorded.Parse([]byte(serviceOf7))
	whole := look(tree, 7)
	if whole == nil || len(whole.Inside) != 1 || whole.Root != "ro" || len(whole.Holds) != 1 || !whole.Group.Memory.Max.Limited() {
		t.Fatalf("%+v", whole)
	}
	for _, zombie := range []bool{false, true} {
		for reads := 0; ; reads++ {
			if reads > 1000 {
				t.Fatal("the process is never seen")
			}
			got := look(&ending{tree: tree, left: reads, zombie: zombie}, 7)
			if got != nil && !reflect.DeepEqual(got, whole) {
				t.Errorf("after %d reads, zombie %t: %+v", reads, zombie, got)
			}
			if got != nil && reads > 20 {
				break
			}
		}
	}
}

func TestOwner(t *testing.T) {
	for _, test := range []struct {
		name     string
		old, new string
		uid, gid int
	}{
		{name: "mapped", uid: 65532, gid: 7},
		{name: "the caller itself", old: "165531", new: "1000", uid: 0, gid: 7},
		{name: "not mapped", old: "165531", new: "4711", uid: unmapped, gid: 7},
		{name: "no such group", old: "100007", new: "99999", uid: 65532, gid: unmapped},
		{name: "last one", old: "165531", new: "165535", uid: 65536, gid: 7},
		{name: "behind the last one", old: "165531", new: "165536", uid: unmapped, gid: 7},
		{name: "a map for the parent of our own namespace", old: "user:[2]", new: "user:[1]", uid: 165531, gid: 100007},
		{name: "a map that says nothing", old: "1     100000      65536", new: "x", uid: unmapped, gid: 7},
		{name: "a namespace that is not below ours", old: "100000", new: "4294967295", uid: unmapped, gid: unmapped},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := serviceOf7
			if test.old != "" {
				text = strings.ReplaceAll(text, test.old, test.new)
			}
			tree, _ := recorded.Parse([]byte(text))
			if p := look(tree, 7); p == nil || p.UID != test.uid || p.GID != test.gid {
				t.Errorf("%+v", p)
			}
		})
	}
}
