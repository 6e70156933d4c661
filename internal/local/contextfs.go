package local

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// errOutside is a link that no build could follow: the image would hold a file of
// the machine that builds it.
var errOutside = errors.New("a link leads outside of the build context")

// errHidden is a path that the ignore file hides: it does not exist.
var errHidden = fmt.Errorf("ignored: %w", fs.ErrNotExist)

// maxHops bounds the links of one path, as an operating system does.
const maxHops = 40

// baseFS is what os.Root gives.
type baseFS interface {
	fs.ReadLinkFS
	fs.ReadDirFS
}

// contextFS is a directory without its hidden paths. Links are resolved here, not
// by the system, so that none leads to something hidden.
type contextFS struct {
	base   baseFS
	hidden map[string]bool
	// links are the links in it, as its scan met them, but for those below unscanned
	// directories: looking at every element of every path would be most of the work of a
	// build with nothing to do.
	links map[string]bool
	// unscanned are directories whose content was not looked at.
	unscanned []string
}

// Open opens the file that name leads to.
func (c *contextFS) Open(name string) (fs.File, error) {
	real, err := c.resolve("open", name, true)
	if err != nil {
		return nil, err
	}
	// Opening a pipe would wait for its writer, for ever.
	info, err := fs.Stat(c.base, real)
	if err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: fmt.Errorf("it is no file (%s)", info.Mode().Type())}
	}
	if err != nil {
		return nil, named(err, name)
	}
	f, err := c.base.Open(real)
	if err != nil {
		return nil, named(err, name)
	}
	if !info.IsDir() {
		return f, nil
	}
	entries, err := c.list(real)
	if err != nil {
		f.Close()
		return nil, named(err, name)
	}
	return &dirFile{File: f, entries: entries}, nil
}

// ReadDir lists a directory.
func (c *contextFS) ReadDir(name string) ([]fs.DirEntry, error) {
	real, err := c.resolve("readdir", name, true)
	if err != nil {
		return nil, err
	}
	entries, err := c.list(real)
	return entries, named(err, name)
}

// Stat describes the file that name leads to.
func (c *contextFS) Stat(name string) (fs.FileInfo, error) {
	real, err := c.resolve("stat", name, true)
	if err != nil {
		return nil, err
	}
	info, err := c.base.Lstat(real)
	return info, named(err, name)
}

// Lstat describes the file at name, which may be a link.
func (c *contextFS) Lstat(name string) (fs.FileInfo, error) {
	real, err := c.resolve("lstat", name, false)
	if err != nil {
		return nil, err
	}
	info, err := c.base.Lstat(real)
	return info, named(err, name)
}

// ReadLink is the target of the link at name.
func (c *contextFS) ReadLink(name string) (string, error) {
	real, err := c.resolve("readlink", name, false)
	if err != nil {
		return "", err
	}
	target, err := c.base.ReadLink(real)
	return target, named(err, name)
}

// list is a directory without its hidden entries.
func (c *contextFS) list(real string) ([]fs.DirEntry, error) {
	entries, err := c.base.ReadDir(real)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return c.hidden[path.Join(real, e.Name())] }), err
}

// resolve is name with its links followed, that of the last element if last is set.
func (c *contextFS) resolve(op, name string, last bool) (string, error) {
	if !fs.ValidPath(name) {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	real, err := c.follow(strings.Split(name, "/"), last)
	if err != nil {
		return "", &fs.PathError{Op: op, Path: name, Err: err}
	}
	return real, nil
}

// follow walks the elements of a path from the root. Every ".." comes from a link.
func (c *contextFS) follow(elems []string, last bool) (string, error) {
	at := "."
	for hops := 0; len(elems) > 0; {
		elem := elems[0]
		elems = elems[1:]
		switch {
		case elem == "" || elem == ".":
			continue
		case elem == ".." && at == ".":
			return "", errOutside
		case elem == "..":
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, elem)
		target, err := c.link(next, last || len(elems) > 0)
		if err != nil {
			return "", err
		}
		if target == "" {
			at = next
			continue
		}
		if hops++; hops > maxHops {
			return "", errors.New("too many links")
		}
		elems = slices.Concat(strings.Split(target, "/"), elems)
	}
	return at, nil
}

// link is the target of what is at name if it is a link to be followed, else "".
func (c *contextFS) link(name string, follow bool) (string, error) {
	if c.hidden[name] {
		return "", errHidden
	}
	if !follow || !c.links[name] && !c.below(name) {
		return "", nil
	}
	info, err := c.base.Lstat(name)
	if err != nil {
		return "", cause(err)
	}
	if info.Mode().Type() != fs.ModeSymlink {
		return "", nil
	}
	target, err := c.base.ReadLink(name)
	if err == nil && path.IsAbs(target) {
		err = errOutside
	}
	return target, err
}

// below says whether a path is in a directory that was not scanned.
func (c *contextFS) below(name string) bool {
	return slices.ContainsFunc(c.unscanned, func(dir string) bool { return strings.HasPrefix(name, dir+"/") })
}

// cut are those links that this machine can follow but no engine may.
func (c *contextFS) cut() []string {
	var cut []string
	for _, link := range slices.Sorted(maps.Keys(c.links)) {
		if _, err := c.resolve("stat", link, true); errors.Is(err, errOutside) || errors.Is(err, errHidden) {
			cut = append(cut, link)
		}
	}
	return cut
}

// named is err with the path as the caller wrote it.
func named(err error, name string) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return &fs.PathError{Op: e.Op, Path: name, Err: e.Err}
	}
	return err
}

func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// dirFile is an open directory that lists only what is not hidden.
type dirFile struct {
	fs.File
	entries []fs.DirEntry
}

// ReadDir is as in fs.ReadDirFile.
func (d *dirFile) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(d.entries)
	} else if len(d.entries) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.entries))
	list := d.entries[:n]
	d.entries = d.entries[n:]
	return list, nil
}
