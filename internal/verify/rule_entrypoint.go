package verify

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/rootfs"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

func judgeEntrypoint(in *inspection) outcome {
	var t tally
	e, err := in.entry.find(in.root)
	if err != nil {
		t.fail("config Entrypoint", err.Error(), "a file in the image")
		return t.outcome("")
	}
	if e.Type != rootfs.File {
		t.fail(in.entry.argv0, "a "+string(e.Type), "a regular file")
		return t.outcome("")
	}
	if user, err := in.user(); err != nil {
		t.unknown("who executes it is not known: %v", err)
	} else if err := rootfs.CheckExecutable(in.root, e.Path, user); err != nil {
		t.fail(in.entry.argv0, err.Error(), "executable for the user")
	}
	if in.ours {
		in.judgeFirstBinary(&t, e)
	}
	return t.outcome(e.Path)
}

// judgeFirstBinary demands that the entrypoint is the first labelled binary.
func (in *inspection) judgeFirstBinary(t *tally, e rootfs.Entry) {
	paths := labelledPaths(in.config.Config)
	if len(paths) == 0 {
		t.unknown("label %s names no binary to compare with", tuning.LabelBinaries)
		return
	}
	first, err := in.root.Resolve(paths[0])
	if err != nil || first.Path != e.Path {
		t.fail(in.entry.argv0, e.Path, paths[0]+", the first of label "+tuning.LabelBinaries)
	}
}

func judgeUser(in *inspection) outcome {
	var t tally
	value := in.config.Config.User
	uid, gid, err := parseUser(value)
	switch {
	case value == "":
		t.fail("config User", "nothing, which is root", "a numeric user other than 0")
	case err != nil:
		t.fail("config User", value+": "+err.Error(), "a numeric user other than 0")
	case uid == 0:
		t.fail("config User", value, "a numeric user other than 0")
	}
	if err == nil && value != "" {
		for _, p := range passwdEntries(in.passwd) {
			if p.uid == uid && gid >= 0 && p.gid != gid {
				t.warn("config User", value, fmt.Sprintf("%d:%d, as %s has user %s", p.uid, p.gid, passwdPath, p.name))
				break
			}
		}
	}
	return t.outcome(value)
}

// parseUser reads "UID" or "UID:GID"; gid is -1 if none is given.
func parseUser(s string) (uid, gid int, err error) {
	u, g, hasGroup := strings.Cut(s, ":")
	gid = -1
	const bits = 31
	n, err := strconv.ParseUint(u, 10, bits)
	if err == nil && hasGroup {
		var m uint64
		m, err = strconv.ParseUint(g, 10, bits)
		gid = int(m)
	}
	if err != nil {
		return 0, -1, fmt.Errorf("not numeric: what a name means is up to a file of the image")
	}
	return int(n), gid, nil
}

// user is who runs the entrypoint, by number or, as a runtime does, by name.
func (in *inspection) user() (rootfs.User, error) {
	value := in.config.Config.User
	if value == "" {
		return rootfs.User{GIDs: []int{0}}, nil
	}
	name, group, _ := strings.Cut(value, ":")
	entries := passwdEntries(in.passwd)
	uid, gid := -1, 0
	for _, p := range entries {
		if p.name == name || strconv.Itoa(p.uid) == name {
			uid, gid = p.uid, p.gid
			break
		}
	}
	if n, _, err := parseUser(name); err == nil {
		uid = n
	}
	if uid < 0 {
		return rootfs.User{}, fmt.Errorf("%s has no user %q", passwdPath, name)
	}
	if group != "" {
		n, _, err := parseUser(group)
		if err != nil {
			return rootfs.User{}, fmt.Errorf("group %q is a name", group)
		}
		gid = n
	}
	return rootfs.User{UID: uid, GIDs: []int{gid}}, nil
}

type passwdEntry struct {
	name     string
	uid, gid int
}

// passwdEntries are the well-formed lines of a passwd file.
func passwdEntries(data []byte) []passwdEntry {
	var entries []passwdEntry
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		f := strings.Split(lines.Text(), ":")
		if len(f) < 4 {
			continue
		}
		uid, errU := strconv.Atoi(f[2])
		gid, errG := strconv.Atoi(f[3])
		if errU == nil && errG == nil {
			entries = append(entries, passwdEntry{f[0], uid, gid})
		}
	}
	return entries
}

func judgeCgroupMount(in *inspection) outcome {
	var t tally
	c := rootfs.Container{WorkingDir: in.config.Config.WorkingDir}
	for v := range in.config.Config.Volumes {
		c.Volumes = append(c.Volumes, v)
	}
	for _, p := range rootfs.CheckMounts(in.root, c) {
		t.fail(p.Path, p.Got, p.Want)
	}
	return t.outcome("mount points are absent or empty directories")
}
