package frontend

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/tonistiigi/fsutil/types"
)

// metadataFile is where a transfer of metadata alone leaves what it saw: the stats of all
// files, each after its length (fsutil, receive.go).
const metadataFile = ".fsutil-metadata"

// maxLinks bounds the links on the way to a file, as Linux does.
const maxLinks = 40

// listingFS is a build context of which only names are known, and the content of the files
// that were sent along. Asking it for names costs nothing; each file is read once.
type listingFS struct {
	stats    map[string]*types.Stat
	children map[string][]fs.DirEntry
	read     func(name string) ([]byte, error)

	mu   sync.Mutex
	data map[string]func() ([]byte, error)
}

// newListingFS reads the names that a reference's transfer left.
func newListingFS(ctx context.Context, ref client.Reference) (*listingFS, error) {
	files := &referenceFS{ctx: ctx, ref: ref}
	data, err := files.ReadFile(metadataFile)
	if err != nil {
		return nil, err
	}
	l := &listingFS{
		stats: map[string]*types.Stat{".": {Mode: uint32(fs.ModeDir | 0o755)}}, children: map[string][]fs.DirEntry{},
		read: files.ReadFile, data: map[string]func() ([]byte, error){},
	}
	for len(data) > 0 {
		if data, err = l.add(data); err != nil {
			return nil, fmt.Errorf("reading the names of the build context: %w", err)
		}
	}
	for _, entries := range l.children {
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	}
	return l, nil
}

// add takes one framed stat and returns the rest.
func (l *listingFS) add(data []byte) ([]byte, error) {
	if len(data) < 4 || uint64(len(data)-4) < uint64(binary.LittleEndian.Uint32(data)) {
		return nil, errors.New("it is cut off")
	}
	n := binary.LittleEndian.Uint32(data)
	st := &types.Stat{}
	if err := st.Unmarshal(data[4 : 4+n]); err != nil {
		return nil, err
	}
	name := path.Clean(st.Path)
	l.stats[name] = st
	l.children[path.Dir(name)] = append(l.children[path.Dir(name)], fs.FileInfoToDirEntry(fileInfo{path.Base(name), st}))
	return data[4+n:], nil
}

// resolve follows links; last says whether one in the last element is followed too.
func (l *listingFS) resolve(op, name string, last bool) (string, *types.Stat, error) {
	if !fs.ValidPath(name) {
		return "", nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	at, rest := ".", name
	for links := 0; ; {
		if rest == "" || rest == "." {
			break
		}
		first, more, _ := strings.Cut(rest, "/")
		next := path.Join(at, first)
		st := l.stats[next]
		if st == nil {
			return "", nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
		}
		if fs.FileMode(st.Mode)&fs.ModeSymlink == 0 || more == "" && !last {
			at, rest = next, more
			continue
		}
		if links++; links > maxLinks {
			return "", nil, &fs.PathError{Op: op, Path: name, Err: errors.New("too many symbolic links")}
		}
		// A link is followed inside the root, as the daemon does.
		target := path.Join("/", at, st.Linkname)
		if path.IsAbs(st.Linkname) {
			target = path.Clean(st.Linkname)
		}
		at, rest = ".", strings.TrimPrefix(path.Join(target, more), "/")
	}
	return at, l.stats[at], nil
}

// Open opens a file or a directory.
func (l *listingFS) Open(name string) (fs.File, error) {
	_, st, err := l.resolve("open", name, true)
	if err != nil {
		return nil, err
	}
	info := fileInfo{path.Base(name), st}
	if info.IsDir() {
		return &openDir{info: info, list: func() ([]fs.DirEntry, error) { return l.ReadDir(name) }}, nil
	}
	return &openFile{info: info, read: func() ([]byte, error) { return l.ReadFile(name) }}, nil
}

// Stat follows links.
func (l *listingFS) Stat(name string) (fs.FileInfo, error) { return l.info("stat", name, true) }

// Lstat does not follow a link in the last element.
func (l *listingFS) Lstat(name string) (fs.FileInfo, error) { return l.info("lstat", name, false) }

func (l *listingFS) info(op, name string, last bool) (fs.FileInfo, error) {
	_, st, err := l.resolve(op, name, last)
	if err != nil {
		return nil, err
	}
	return fileInfo{path.Base(name), st}, nil
}

// ReadLink is the target of a symbolic link.
func (l *listingFS) ReadLink(name string) (string, error) {
	_, st, err := l.resolve("readlink", name, false)
	if err != nil {
		return "", err
	}
	if fs.FileMode(st.Mode)&fs.ModeSymlink == 0 {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	return st.Linkname, nil
}

// ReadDir lists a directory, sorted by name.
func (l *listingFS) ReadDir(name string) ([]fs.DirEntry, error) {
	at, st, err := l.resolve("readdir", name, true)
	if err != nil {
		return nil, err
	}
	if !fs.FileMode(st.Mode).IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	return slices.Clone(l.children[at]), nil
}

// ReadFile reads a file that was sent along.
func (l *listingFS) ReadFile(name string) ([]byte, error) {
	at, st, err := l.resolve("read", name, true)
	if err != nil {
		return nil, err
	}
	if fs.FileMode(st.Mode).IsDir() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("is a directory")}
	}
	l.mu.Lock()
	once := l.data[at]
	if once == nil {
		once = sync.OnceValues(func() ([]byte, error) { return l.read(at) })
		l.data[at] = once
	}
	l.mu.Unlock()
	data, err := once()
	if err != nil {
		// The file exists: who takes it for missing would build without it.
		return nil, fmt.Errorf("the content of %s is not here: %v", at, err) //nolint:errorlint // hidden
	}
	return bytes.Clone(data), nil // callers may write into what they read
}
