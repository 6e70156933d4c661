package cgroup

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Place is where the files of one controller are for a process.
type Place struct {
	// Version is 1 or 2; zero if it is not known.
	Version int
	// Path is the group in /proc/self/cgroup.
	Path string
	// Dirs are the group's own directory and the visible ones above it, up to the mount
	// point; empty if Err is set. A namespace or a mount may hide further ancestors.
	Dirs []string
	// ReadOnly is of the mount that holds Dirs.
	ReadOnly bool
	// Err is why the directory is not known.
	Err error
}

// Dir is the group's own directory, or empty.
func (p Place) Dir() string {
	if len(p.Dirs) == 0 {
		return ""
	}
	return p.Dirs[0]
}

// place finds the directory of the group that has the controller.
func (v *View) place(fsys fs.FS, controller string) Place {
	if v.Err != nil {
		return Place{Err: v.Err}
	}
	m, ok := memberOf(v.Members, controller)
	if !ok {
		return Place{Err: ErrNoMember}
	}
	p := Place{Version: 1, Path: m.Path, Err: ErrNoMount}
	if m.V2() {
		p.Version = 2
	}
	for _, mount := range v.Mounts {
		if mount.Version != p.Version || p.Version == 1 && !slices.Contains(mount.Controllers, controller) {
			continue
		}
		dir, ok := mount.dirOf(m.Path)
		if !ok {
			p.Err = fmt.Errorf("%s shows %s, the own group is %s: %w", mount.Point, mount.Root, m.Path, ErrOutside)
			continue
		}
		if p.Err = isDir(fsys, dir); p.Err == nil {
			p.Dirs, p.ReadOnly = upTo(dir, mount.Point), mount.ReadOnly
			return p
		}
	}
	return p
}

// dirOf is the directory of a group below the mount point, if the mount holds it.
func (m Mount) dirOf(group string) (string, bool) {
	rel, ok := below(group, m.Root)
	if !ok {
		return "", false
	}
	return path.Join(m.Point, rel), true
}

// below is a group's path seen from another one. A path that leaves the namespace
// ("/..") is never below a root inside of it, although "/" looks like its prefix.
func below(group, root string) (string, bool) {
	rel := group
	if root != "/" {
		var ok bool
		if rel, ok = strings.CutPrefix(group, root); !ok || rel != "" && rel[0] != '/' {
			return "", false
		}
	}
	if rel == "/.." || strings.HasPrefix(rel, "/../") {
		return "", false
	}
	return rel, true
}

// upTo are a directory and its parents, up to and with top.
func upTo(dir, top string) []string {
	dirs := []string{dir}
	for dir != top && dir != "/" {
		dir = path.Dir(dir)
		dirs = append(dirs, dir)
	}
	return dirs
}
