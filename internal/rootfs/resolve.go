package rootfs

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Lookup is the entry at a path; parents are followed through links, the last
// name is not. False if there is none or the way to it is broken.
func (x *Index) Lookup(p string) (Entry, bool) {
	n, err := x.walk(p, false)
	if err != nil {
		return Entry{}, false
	}
	return n.entry, true
}

// Resolve is the entry that a path leads to through all links, as a process in
// the container would open it. Its errors wrap fs.ErrNotExist and ErrLoop.
func (x *Index) Resolve(p string) (Entry, error) {
	n, err := x.walk(p, true)
	if err != nil {
		return Entry{}, fmt.Errorf("resolving %s: %w", p, err)
	}
	return n.entry, nil
}

// Where is the path that p leads to, of which the last parts need not exist: the
// place where a runtime would mount a volume.
func (x *Index) Where(p string) (string, error) {
	n, err := x.follow(path.Clean("/"+p), func(at *node, name string) (*node, error) {
		return &node{entry: Entry{Path: path.Join(at.entry.Path, name), Type: Dir}}, nil
	})
	if err != nil {
		return "", fmt.Errorf("resolving %s: %w", p, err)
	}
	return n.entry.Path, nil
}

// walk goes to a path; last says whether a link at its end is followed.
func (x *Index) walk(p string, last bool) (*node, error) {
	p = path.Clean("/" + p)
	if last || p == "/" {
		return x.follow(p, nil)
	}
	dir, err := x.follow(path.Dir(p), nil)
	if err != nil {
		return nil, err
	}
	if n := dir.children[path.Base(p)]; n != nil {
		return n, nil
	}
	return nil, fs.ErrNotExist
}

// follow goes down a path through all links. A missing name is what create makes
// of it, or fs.ErrNotExist without create.
func (x *Index) follow(p string, create func(at *node, name string) (*node, error)) (*node, error) {
	hops := 0
	way := []*node{x.root}
	rest := strings.Split(strings.Trim(p, "/"), "/")
	for len(rest) > 0 {
		if x.steps++; x.steps > maxSteps {
			return nil, fmt.Errorf("following links: %w", ErrLimit)
		}
		at, name := way[len(way)-1], rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			way = way[:max(len(way)-1, 1)] // above the root is the root
			continue
		}
		next := at.children[name]
		if next == nil {
			if create == nil || at.entry.Type != Dir {
				return nil, fs.ErrNotExist
			}
			var err error
			if next, err = create(at, name); err != nil {
				return nil, err
			}
		}
		if next.entry.Type != Symlink {
			way = append(way, next)
			continue
		}
		if hops++; hops > maxHops || len(rest) > maxPath {
			return nil, ErrLoop
		}
		if strings.HasPrefix(next.entry.Link, "/") {
			way = way[:1]
		}
		rest = append(strings.Split(next.entry.Link, "/"), rest...)
	}
	return way[len(way)-1], nil
}
