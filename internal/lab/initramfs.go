package main

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// archive writes an initramfs: cpio's "newc" format, as the kernel's
// Documentation/driver-api/early-userspace/buffer-format.rst describes it. Times are zero.
type archive struct {
	to    *bufio.Writer
	inode int
	size  int64 // written so far; entries begin at multiples of 4
	dirs  map[string]bool
	err   error
}

// File types of a cpio mode, as in stat(2).
const (
	typeDir  = 0o040000
	typeFile = 0o100000
	typeLink = 0o120000
)

func newArchive(to io.Writer) *archive {
	return &archive{to: bufio.NewWriter(to), dirs: map[string]bool{".": true}}
}

// file adds a file that root owns.
func (a *archive) file(name string, perm int64, data []byte) {
	a.parents(name)
	a.entry(name, typeFile|perm, 0, 0, data)
}

// tree adds the entries of a tar below dir, with their owners and modes.
func (a *archive) tree(dir string, from *tar.Reader) error {
	for {
		h, err := from.Next()
		if errors.Is(err, io.EOF) {
			return a.err
		}
		if err != nil {
			return err
		}
		name := path.Join(dir, path.Clean("/"+h.Name))
		switch h.Typeflag {
		case tar.TypeDir:
			a.parents(name)
			a.dirs[strings.TrimPrefix(name, "/")] = true
			a.entry(name, typeDir|h.Mode, h.Uid, h.Gid, nil)
		case tar.TypeSymlink:
			a.parents(name)
			a.entry(name, typeLink|0o777, h.Uid, h.Gid, []byte(h.Linkname))
		case tar.TypeReg:
			data, err := io.ReadAll(from)
			if err != nil {
				return err
			}
			a.parents(name)
			a.entry(name, typeFile|h.Mode, h.Uid, h.Gid, data)
		default:
			return fmt.Errorf("%s has the type %q, which the lab's images do not need", h.Name, h.Typeflag)
		}
	}
}

// programs adds the programs and libraries of unpacked packages; links stay links, so that
// a loader is found where programs look for it.
func (a *archive) programs(tree string) error {
	return filepath.WalkDir(tree, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(file, tree)
		if d.IsDir() {
			if slices.Contains([]string{"/usr/share", "/usr/lib/x86_64-linux-gnu/gconv", "/var", "/etc"}, name) {
				return filepath.SkipDir
			}
			return nil
		}
		a.parents(name)
		if d.Type() == fs.ModeSymlink {
			target, err := os.Readlink(file)
			a.entry(name, typeLink|0o777, 0, 0, []byte(target))
			return errors.Join(err, a.err)
		}
		data, err := os.ReadFile(file)
		a.entry(name, typeFile|0o755, 0, 0, data)
		return errors.Join(err, a.err)
	})
}

// parents adds the directories above name that are not there yet.
func (a *archive) parents(name string) {
	dir := path.Dir(strings.TrimPrefix(name, "/"))
	if a.dirs[dir] {
		return
	}
	a.parents(dir)
	a.dirs[dir] = true
	a.entry(dir, typeDir|0o755, 0, 0, nil)
}

func (a *archive) entry(name string, mode int64, uid, gid int, data []byte) {
	name = strings.TrimPrefix(name, "/")
	a.inode++
	links := 1
	header := fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		a.inode, mode, uid, gid, links, 0, len(data), 0, 0, 0, 0, len(name)+1, 0)
	a.write([]byte(header + name + "\x00"))
	a.pad()
	a.write(data)
	a.pad()
}

// Close writes the trailer.
func (a *archive) Close() error {
	a.inode = -1
	a.entry("TRAILER!!!", 0, 0, 0, nil)
	return errors.Join(a.err, a.to.Flush())
}

func (a *archive) pad() { a.write(make([]byte, (4-a.size%4)%4)) }

func (a *archive) write(data []byte) {
	n, err := a.to.Write(data)
	a.size += int64(n)
	a.err = errors.Join(a.err, err)
}
