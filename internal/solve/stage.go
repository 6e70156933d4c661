package solve

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// staged is an output that waits beside its destination, on the same file system,
// until the build succeeded.
type staged struct {
	dest, path string
}

// stageFile makes the waiting file, so that an unwritable directory is known
// before the build and not after it.
func stageFile(dest string) (*staged, error) {
	if info, err := os.Stat(dest); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s is a directory", dest)
	}
	f, err := os.CreateTemp(filepath.Dir(dest), "."+filepath.Base(dest)+"-")
	if err != nil {
		return nil, err
	}
	// CreateTemp is private to the user; an archive is as readable as other files.
	err = errors.Join(f.Chmod(0o644), f.Close())
	return &staged{dest: dest, path: f.Name()}, err
}

// stageDir makes the waiting directory. An OCI layout that exists is added to in
// place: blobs have their digests as names and the index comes last, so it is
// whole at every moment.
func stageDir(dest string, layout bool) (*staged, error) {
	if info, err := os.Stat(dest); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%s is not a directory", dest)
	}
	if _, err := os.Stat(filepath.Join(dest, "index.json")); layout && err == nil {
		return &staged{dest: dest, path: dest}, nil
	}
	clean := filepath.Clean(dest)
	if err := os.MkdirAll(filepath.Dir(clean), 0o755); err != nil {
		return nil, err
	}
	path, err := os.MkdirTemp(filepath.Dir(clean), "."+filepath.Base(clean)+"-")
	if err != nil {
		return nil, err
	}
	return &staged{dest: clean, path: path}, os.Chmod(path, 0o755)
}

func (s *staged) inPlace() bool { return s.path == s.dest }

func (s *staged) commit() error {
	// The content store's workplace is no part of a layout.
	_ = os.Remove(filepath.Join(s.path, "ingest"))
	if s.inPlace() {
		return nil
	}
	info, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		if _, err := os.Stat(s.dest); err == nil {
			return merge(s.path, s.dest)
		}
	}
	return os.Rename(s.path, s.dest)
}

// discard is harmless after commit: what was moved is no longer there.
func (s *staged) discard() {
	if !s.inPlace() {
		_ = os.RemoveAll(s.path)
	}
}

// merge moves files over those of an existing directory, as the local exporter
// does when it writes in place.
func merge(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if !d.IsDir() {
			return os.Rename(path, target)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if err := os.Mkdir(target, info.Mode().Perm()); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return nil
	})
}
