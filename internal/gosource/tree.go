package gosource

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
)

// maxLinks bounds a chain of symbolic links, as Linux does.
const maxLinks = 40

// tree is a file system whose directories are listed and whose files are read at most
// once, and whose symbolic links are followed here, so that each is known to the listing.
type tree struct {
	ctx  context.Context // of the one List call that the tree lives for
	src  fs.FS
	mu   sync.Mutex
	dirs map[string]func() (map[string]fs.DirEntry, error)
	data map[string]func() ([]byte, error)
	kept map[string]bool // links that a listed file needs
}

func newTree(ctx context.Context, src fs.FS) *tree {
	return &tree{ctx: ctx, src: src, dirs: map[string]func() (map[string]fs.DirEntry, error){}, data: map[string]func() ([]byte, error){}, kept: map[string]bool{}}
}

// entries are the entries by name of a directory given by its real path.
func (t *tree) entries(dir string) (map[string]fs.DirEntry, error) {
	t.mu.Lock()
	once, ok := t.dirs[dir]
	if !ok {
		once = sync.OnceValues(func() (map[string]fs.DirEntry, error) { return t.list(dir) })
		t.dirs[dir] = once
	}
	t.mu.Unlock()
	return once()
}

func (t *tree) list(dir string) (map[string]fs.DirEntry, error) {
	if err := t.ctx.Err(); err != nil {
		return nil, err
	}
	list, err := fs.ReadDir(t.src, dir)
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", dir, err)
	}
	byName := make(map[string]fs.DirEntry, len(list))
	for _, e := range list {
		byName[e.Name()] = e
	}
	return byName, nil
}

// place is where a path leads: its real path, whether that is a directory, and the
// links on the way.
type place struct {
	path  string
	mode  fs.FileMode // type bits alone
	links []string
}

// resolve follows a path. What does not exist is an [fs.ErrNotExist].
func (t *tree) resolve(name string) (place, error) {
	if !fs.ValidPath(name) {
		return place{}, fmt.Errorf("%s leaves the source tree", name)
	}
	at := place{path: ".", mode: fs.ModeDir}
	rest := strings.Split(name, "/")
	for len(rest) > 0 {
		elem := rest[0]
		rest = rest[1:]
		switch elem {
		case ".", "":
			continue
		case "..":
			if at.path == "." {
				return place{}, fmt.Errorf("%s: link %s leaves the source tree", name, at.links[len(at.links)-1])
			}
			at.path, at.mode = path.Dir(at.path), fs.ModeDir
			continue
		}
		if !at.mode.IsDir() {
			return place{}, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		more, err := t.step(&at, elem)
		if err != nil {
			return place{}, fmt.Errorf("%s: %w", name, err)
		}
		rest = append(more, rest...)
	}
	return at, nil
}

// step goes to one entry of a directory. If that is a link, it stays, and what the link
// says is to be walked next.
func (t *tree) step(at *place, elem string) ([]string, error) {
	entries, err := t.entries(at.path)
	if err != nil {
		return nil, err
	}
	e, ok := entries[elem]
	if !ok {
		return nil, fs.ErrNotExist
	}
	next := path.Join(at.path, elem)
	if e.Type()&fs.ModeSymlink == 0 {
		at.path, at.mode = next, e.Type()
		return nil, nil
	}
	if at.links = append(at.links, next); len(at.links) > maxLinks {
		return nil, fmt.Errorf("too many symbolic links: %s may lead to itself", next)
	}
	to, err := fs.ReadLink(t.src, next)
	if err != nil {
		return nil, fmt.Errorf("reading link %s: %w", next, err)
	}
	if path.IsAbs(to) {
		return nil, fmt.Errorf("link %s leads to %s, outside of the source tree", next, to)
	}
	return strings.Split(to, "/"), nil
}

// readDir lists a directory, by the path that was asked for.
func (t *tree) readDir(dir string) (map[string]fs.DirEntry, error) {
	at, err := t.resolve(dir)
	if err != nil {
		return nil, err
	}
	return t.entries(at.path)
}

// readFile reads a file, by the path that was asked for.
func (t *tree) readFile(name string) ([]byte, error) {
	if err := t.ctx.Err(); err != nil {
		return nil, err
	}
	at, err := t.resolve(name)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	once, ok := t.data[at.path]
	if !ok {
		once = sync.OnceValues(func() ([]byte, error) { return fs.ReadFile(t.src, at.path) })
		t.data[at.path] = once
	}
	t.mu.Unlock()
	data, err := once()
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return data, nil
}

// is says whether a path leads to a file (or a directory) that exists.
func (t *tree) is(name string, dir bool) (bool, error) {
	at, err := t.resolve(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && at.mode.IsDir() == dir, err
}

func (t *tree) isFile(name string) (bool, error) { return t.is(name, false) }
func (t *tree) isDir(name string) (bool, error)  { return t.is(name, true) }

// real are the sorted real paths of files; the links on the way are remembered.
func (t *tree) real(names []string) ([]string, error) {
	var out []string
	for _, name := range names {
		at, err := t.resolve(name)
		if err != nil {
			return nil, err
		}
		for _, link := range at.links {
			t.kept[link] = true
		}
		out = append(out, at.path)
	}
	return sorted(out), nil
}

// followed are the sorted links that real went through.
func (t *tree) followed() []string { return slices.Sorted(maps.Keys(t.kept)) }
