package verify

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// store is a directory of files, on disk or in a tar, by clean relative names.
type store interface {
	open(name string) (io.ReadCloser, error)
}

// readAll reads a small file whole.
func readAll(s store, name string, limit int64) ([]byte, error) {
	f, err := s.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s has more than %d bytes: %w", name, limit, ErrLimit)
	}
	return data, err
}

// dirStore is a directory, out of which no link leads.
type dirStore string

func (d dirStore) open(name string) (io.ReadCloser, error) {
	f, err := os.OpenInRoot(string(d), name)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, errors.Join(err, fmt.Errorf("%s is not a regular file", name))
	}
	return f, nil
}

// tarStore is an archive that is read in place, by the offsets of its files.
type tarStore struct {
	file  string
	files map[string]span
}

type span struct{ offset, size int64 }

// Bounds on an archive's table of contents.
const (
	maxMembers = 1 << 16
	maxLinks   = 8
)

// openTar reads the headers of an archive.
func openTar(ctx context.Context, file string) (*tarStore, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := &tarStore{file: file, files: map[string]span{}}
	links := map[string]string{}
	tr := tar.NewReader(f)
	for members := 0; ; members++ {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err := errors.Join(err, ctx.Err()); err != nil {
			return nil, fmt.Errorf("reading the archive's tar (a compressed one must be unpacked first): %w", err)
		}
		if members > maxMembers {
			return nil, fmt.Errorf("archive with more than %d members: %w", maxMembers, ErrLimit)
		}
		name := path.Clean(h.Name)
		switch h.Typeflag {
		case tar.TypeReg:
			// The reader takes headers in blocks from the file and nothing more, so
			// the file stands at the data.
			offset, err := f.Seek(0, io.SeekCurrent)
			if err != nil {
				return nil, err
			}
			s.files[name] = span{offset, h.Size}
		case tar.TypeSymlink: // docker save writes layers that occur twice as links
			links[name] = path.Join(path.Dir(name), h.Linkname)
		case tar.TypeLink:
			links[name] = path.Clean(h.Linkname)
		}
	}
	s.follow(links)
	return s, nil
}

// follow gives links the files that they lead to.
func (s *tarStore) follow(links map[string]string) {
	for name := range links {
		target := links[name]
		for range maxLinks {
			if at, ok := s.files[target]; ok {
				s.files[name] = at
				break
			}
			target = links[target]
		}
	}
}

func (s *tarStore) open(name string) (io.ReadCloser, error) {
	at, ok := s.files[path.Clean(name)]
	if !ok {
		return nil, fmt.Errorf("%s in the archive: %w", cut(name), fs.ErrNotExist)
	}
	f, err := os.Open(s.file)
	if err != nil {
		return nil, err
	}
	return section{io.NewSectionReader(f, at.offset, at.size), f}, nil
}

type section struct {
	*io.SectionReader
	io.Closer
}

// blobName is where an OCI layout keeps a blob. The digest was parsed, so it holds
// no way out.
func blobName(algorithm, hex string) string {
	return strings.Join([]string{"blobs", algorithm, hex}, "/")
}
