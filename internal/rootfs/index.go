package rootfs

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// Type is what an entry is.
type Type string

// The types of entries.
const (
	File    Type = "file"
	Dir     Type = "directory"
	Symlink Type = "symlink"
	Hard    Type = "hard link" // only in what is added: the index holds the file
	Special Type = "special file"
)

// Entry is one path of the filesystem.
type Entry struct {
	// Path is absolute and clean. In an Index it is where the entry really is: no
	// parent of it is a link.
	Path string
	Type Type
	// Mode is permission bits with set-id and sticky bits, as a POSIX number.
	Mode     plan.Mode
	UID, GID int
	// Link is the target of a symlink as written, or of a hard link from the root.
	Link string
	// Layer is the layer that put the entry there, counted from 0 at the bottom.
	Layer int
	// Size is the file's, in bytes.
	Size int64
	// Content says where a file's bytes lie. Whoever adds the file sets it; a hard
	// link takes over its target's.
	Content Location
}

// Location is one tar entry: its layer and its position in it, counted from 0. A
// name would not do: it can stand there twice, with a hard link made in between.
type Location struct {
	Layer, Position int
}

// Bounds of an index.
const (
	maxEntries = 1 << 20
	maxDepth   = 255
	maxPath    = 4096 // Linux' PATH_MAX
	maxHops    = 40   // Linux' MAXSYMLINKS
	maxSteps   = 1 << 26
	maxBytes   = 64 << 20 // of all paths and link targets together
)

// Errors that a lookup can end in, besides fs.ErrNotExist.
var (
	// ErrLoop means too many symlinks.
	ErrLoop = errors.New("too many levels of symbolic links")
	// ErrLimit means that the filesystem is larger or deeper than is looked at.
	ErrLimit = errors.New("root filesystem exceeds the limits of an inspection")
)

// Index is a root filesystem. Its zero value is not ready: use New.
type Index struct {
	root  *node
	count int
	steps int
	bytes int
}

type node struct {
	entry    Entry
	children map[string]*node
	swept    int // the layer, plus one, that removed the lower layers' content
}

// New is an empty root directory.
func New() *Index {
	return &Index{root: &node{entry: Entry{Path: "/", Type: Dir, Mode: 0o755}}}
}

// Len is the number of entries, the root aside.
func (x *Index) Len() int { return x.count }

// Add puts an entry of a layer in place, as unpacking it would: parents are
// followed through links and made where they are missing, whatever is not a
// directory replaces what was there. Layers must come bottom first.
func (x *Index) Add(e Entry) error {
	x.bytes += len(e.Path) + len(e.Link)
	if len(e.Path) > maxPath || len(e.Link) > maxPath || strings.Count(e.Path, "/") > maxDepth || x.bytes > maxBytes {
		return fmt.Errorf("path of %d bytes, %d in all: %w", len(e.Path), x.bytes, ErrLimit)
	}
	if e.Path = path.Clean("/" + e.Path); e.Path == "/" {
		e.Type = Dir
		x.root.entry = e
		return nil
	}
	if e.Type == Hard {
		if err := x.hardLink(&e); err != nil {
			return err
		}
	}
	parent, err := x.parent(e)
	if err != nil {
		return err
	}
	return x.place(parent, path.Base(e.Path), e)
}

// hardLink makes e the file that it points to.
func (x *Index) hardLink(e *Entry) error {
	n, err := x.walk(e.Link, false)
	if err != nil {
		return fmt.Errorf("hard link %s to %s: %w", e.Path, e.Link, err)
	}
	if n.entry.Type == Dir {
		return fmt.Errorf("hard link %s to the directory %s", e.Path, e.Link)
	}
	target := n.entry
	target.Path, target.Layer = e.Path, e.Layer
	*e = target
	return nil
}

// parent is the directory that e goes into.
func (x *Index) parent(e Entry) (*node, error) {
	dir, err := x.follow(path.Dir(e.Path), func(at *node, name string) (*node, error) {
		made := Entry{Type: Dir, Mode: 0o755, Layer: e.Layer}
		if err := x.place(at, name, made); err != nil {
			return nil, err
		}
		return at.children[name], nil
	})
	if err != nil {
		return nil, fmt.Errorf("parent of %s: %w", e.Path, err)
	}
	if dir.entry.Type != Dir {
		return nil, fmt.Errorf("parent of %s: %s is a %s", e.Path, dir.entry.Path, dir.entry.Type)
	}
	return dir, nil
}

// place sets the child of a directory, whose real path it takes.
func (x *Index) place(dir *node, name string, e Entry) error {
	if real := path.Join(dir.entry.Path, name); real != e.Path {
		e.Path = real
		x.bytes += len(real)
	}
	if len(e.Path) > maxPath || strings.Count(e.Path, "/") > maxDepth || x.bytes > maxBytes {
		return fmt.Errorf("path of %d bytes, %d in all: %w", len(e.Path), x.bytes, ErrLimit)
	}
	old := dir.children[name]
	if old != nil && old.entry.Type == Dir && e.Type == Dir {
		old.entry = e // the content stays
		return nil
	}
	if old != nil {
		x.count -= old.size()
	}
	if x.count++; x.count > maxEntries {
		return fmt.Errorf("more than %d entries: %w", maxEntries, ErrLimit)
	}
	if dir.children == nil {
		dir.children = map[string]*node{}
	}
	dir.children[name] = &node{entry: e}
	return nil
}

// Whiteout removes what lower layers have at a path.
func (x *Index) Whiteout(p string, layer int) error {
	p = path.Clean("/" + p)
	dir, err := x.walk(path.Dir(p), true)
	if err != nil || dir.children[path.Base(p)] == nil {
		return ignoreAbsent(err)
	}
	n := dir.children[path.Base(p)]
	x.sweep(n, layer)
	if n.entry.Layer < layer && len(n.children) == 0 {
		delete(dir.children, path.Base(p))
		x.count--
	}
	return nil
}

// Opaque removes all that lower layers have below a directory.
func (x *Index) Opaque(p string, layer int) error {
	n, err := x.walk(p, true)
	if err != nil {
		return ignoreAbsent(err)
	}
	x.sweep(n, layer)
	return nil
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// sweep removes below n what comes from layers under layer, once for each layer.
func (x *Index) sweep(n *node, layer int) {
	if n.swept == layer+1 {
		return
	}
	n.swept = layer + 1
	for name, child := range n.children {
		x.sweep(child, layer)
		if child.entry.Layer < layer && len(child.children) == 0 {
			delete(n.children, name)
			x.count--
		}
	}
}

// size counts n and all below it.
func (n *node) size() int {
	total := 1
	for _, child := range n.children {
		total += child.size()
	}
	return total
}

// All are the entries in the order of their paths, the root first: a directory
// stands before what is in it.
func (x *Index) All() iter.Seq[Entry] {
	return func(yield func(Entry) bool) { x.root.all(yield) }
}

func (n *node) all(yield func(Entry) bool) bool {
	if !yield(n.entry) {
		return false
	}
	for _, name := range slices.Sorted(maps.Keys(n.children)) {
		if !n.children[name].all(yield) {
			return false
		}
	}
	return true
}

// Children are the entries of a directory, sorted by name; links are not followed.
func (x *Index) Children(p string) []Entry {
	n, err := x.walk(p, false)
	if err != nil {
		return nil
	}
	var all []Entry
	for _, child := range n.children {
		all = append(all, child.entry)
	}
	slices.SortFunc(all, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
	return all
}
