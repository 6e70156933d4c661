package frontend

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/tonistiigi/fsutil/types"
)

// referenceFS is the file system of a solved reference. Each call is one or two
// messages over the gateway's socket; files over its message limit (16 MiB) cannot be read.
// Symbolic links are followed inside the root by the daemon.
type referenceFS struct {
	ctx context.Context // fs.FS has no other way to hand one over
	ref client.Reference
}

// Open opens a file or a directory.
func (r *referenceFS) Open(name string) (fs.File, error) {
	info, err := r.stat("open", name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return &openDir{info: info, list: func() ([]fs.DirEntry, error) { return r.ReadDir(name) }}, nil
	}
	return &openFile{info: info, read: func() ([]byte, error) { return r.ReadFile(name) }}, nil
}

// Stat follows links.
func (r *referenceFS) Stat(name string) (fs.FileInfo, error) { return r.stat("stat", name) }

func (r *referenceFS) stat(op, name string) (fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	st, err := r.ref.StatFile(r.ctx, client.StatRequest{Path: name})
	if err != nil {
		return nil, pathError(op, name, err)
	}
	return fileInfo{path.Base(name), st}, nil
}

// ReadFile reads a whole file.
func (r *referenceFS) ReadFile(name string) ([]byte, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
	}
	data, err := r.ref.ReadFile(r.ctx, client.ReadRequest{Filename: name})
	if err != nil {
		return nil, pathError("read", name, err)
	}
	return data, nil
}

// ReadDir lists a directory, sorted by name; links are not followed.
func (r *referenceFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrInvalid}
	}
	stats, err := r.ref.ReadDir(r.ctx, client.ReadDirRequest{Path: name})
	if err != nil {
		return nil, pathError("readdir", name, err)
	}
	entries := make([]fs.DirEntry, len(stats))
	for i, st := range stats {
		entries[i] = fs.FileInfoToDirEntry(fileInfo{path.Base(st.Path), st})
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// Lstat does not follow a link in the last element.
func (r *referenceFS) Lstat(name string) (fs.FileInfo, error) {
	if name == "." {
		return r.stat("lstat", name)
	}
	entries, err := r.ReadDir(path.Dir(name))
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Name() == path.Base(name) {
			return e.Info()
		}
	}
	return nil, &fs.PathError{Op: "lstat", Path: name, Err: fs.ErrNotExist}
}

// ReadLink is the target of a symbolic link.
func (r *referenceFS) ReadLink(name string) (string, error) {
	info, err := r.Lstat(name)
	if err != nil {
		return "", err
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	return info.Sys().(*types.Stat).Linkname, nil
}

// pathError makes the gateway's errors comparable: they arrive as text.
func pathError(op, name string, err error) error {
	if text := err.Error(); strings.Contains(text, "no such file or directory") || strings.Contains(text, "not a directory") {
		err = fs.ErrNotExist
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = fs.ErrNotExist
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// fileInfo is a stat of the gateway under the name that was asked for.
type fileInfo struct {
	name string
	stat *types.Stat
}

func (i fileInfo) Name() string       { return i.name }
func (i fileInfo) Size() int64        { return i.stat.Size }
func (i fileInfo) Mode() fs.FileMode  { return fs.FileMode(i.stat.Mode) }
func (i fileInfo) ModTime() time.Time { return time.Unix(0, i.stat.ModTime) }
func (i fileInfo) IsDir() bool        { return i.Mode().IsDir() }
func (i fileInfo) Sys() any           { return i.stat }

// openFile reads its content when it is first asked for.
type openFile struct {
	info   fs.FileInfo
	read   func() ([]byte, error)
	reader *bytes.Reader
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

func (f *openFile) Read(p []byte) (int, error) {
	if f.reader == nil {
		data, err := f.read()
		if err != nil {
			return 0, err
		}
		f.reader = bytes.NewReader(data)
	}
	return f.reader.Read(p)
}

type openDir struct {
	info    fs.FileInfo
	list    func() ([]fs.DirEntry, error)
	entries []fs.DirEntry
	listed  bool
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openDir) Close() error               { return nil }

func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.Name(), Err: errors.New("is a directory")}
}

func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if !d.listed {
		entries, err := d.list()
		if err != nil {
			return nil, err
		}
		d.entries, d.listed = entries, true
	}
	if n <= 0 {
		n = len(d.entries)
	} else if len(d.entries) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.entries))
	head := d.entries[:n]
	d.entries = d.entries[n:]
	return head, nil
}
