package cgroup

import (
	"io/fs"
	"slices"
	"strings"
)

// Namespace is the cgroup namespace of a process.
type Namespace string

// The namespaces. A private one hides all groups above its own root.
const (
	NamespaceHost    Namespace = "host"
	NamespacePrivate Namespace = "private"
	NamespaceUnknown Namespace = "unknown"
)

// initialNamespace is the link of the machine's first cgroup namespace: its number is
// fixed in the kernel (PROC_CGROUP_INIT_INO).
const initialNamespace = "cgroup:[4026531835]"

// namespace asks the namespace's link, and where there is none the tree itself: only the
// root of a machine's hierarchy lacks the files that every other group has.
func (v *View) namespace(fsys fs.FS, proc string) Namespace {
	if link, err := fs.ReadLink(fsys, "proc/"+proc+"/ns/cgroup"); err == nil {
		if link == initialNamespace {
			return NamespaceHost
		}
		return NamespacePrivate
	}
	if v.Emulated {
		return NamespaceUnknown
	}
	if slices.ContainsFunc(v.Members, func(m Member) bool { return outside(m.Path) }) ||
		slices.ContainsFunc(v.Mounts, func(m Mount) bool { return outside(m.Root) }) {
		return NamespacePrivate
	}
	// A group below the reader's root may be in a private namespace, too, but then an
	// ancestor is visible, which is what matters.
	if slices.ContainsFunc(v.Members, func(m Member) bool { return m.Path != "/" }) {
		return NamespaceHost
	}
	return v.namespaceOfRoot(fsys)
}

func outside(group string) bool { return group == "/.." || strings.HasPrefix(group, "/../") }

// namespaceOfRoot judges a process whose every group is "/".
func (v *View) namespaceOfRoot(fsys fs.FS) Namespace {
	for _, m := range v.Mounts {
		if m.Root != "/" {
			continue
		}
		mark, host := "/cgroup.events", NamespacePrivate
		if m.Version == 1 {
			mark, host = "/release_agent", NamespaceHost
		}
		if _, err := fs.Stat(fsys, inFS(m.Point+mark)); err == nil {
			return host
		}
		if isDir(fsys, m.Point) == nil {
			if m.Version == 1 {
				return NamespacePrivate
			}
			return NamespaceHost
		}
	}
	return NamespaceUnknown
}
