package export

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// writeFile writes a file beside dest and gives it that name once it is complete.
// Stdout, and what is no regular file, such as a pipe, is written directly.
func writeFile(dest string, stdout io.Writer, write func(io.Writer) error) error {
	if dest == Stdout {
		if stdout == nil {
			return errors.New("there is no stdout to write to")
		}
		return buffered(stdout, write)
	}
	info, err := os.Stat(dest)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s is a directory, and this output is a file", dest)
	case err == nil && !info.Mode().IsRegular():
		f, err := os.OpenFile(dest, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(buffered(f, write), f.Close())
	case err == nil:
		if dest, err = filepath.EvalSymlinks(dest); err != nil {
			return err
		}
	}
	tmp := beside(dest)
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	if err := errors.Join(buffered(f, write), f.Close()); err != nil {
		return err
	}
	return os.Rename(tmp, dest)
}

func buffered(w io.Writer, write func(io.Writer) error) error {
	b := bufio.NewWriterSize(w, 1<<20)
	if err := write(b); err != nil {
		return err
	}
	return b.Flush()
}

// beside is a new hidden name in the directory of dest, for a rename.
func beside(dest string) string {
	return filepath.Join(filepath.Dir(dest), "."+filepath.Base(dest)+".tmp-"+rand.Text())
}

// inNewDirectory lets fill make a directory beside dest, and hands it to place.
// Whatever fails, neither it nor a parent made for it stays behind.
func inNewDirectory(dest string, fill, place func(dir string) error) (err error) {
	undo, err := makeParents(dest)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			undo()
		}
	}()
	dir := beside(dest)
	if err := os.Mkdir(dir, 0o777); err != nil {
		return err
	}
	defer removeTree(dir)
	if err := fill(dir); err != nil {
		return err
	}
	return place(dir)
}

// makeParents makes the directories above dest; undo removes those that it made
// as far as they are empty.
func makeParents(dest string) (undo func(), err error) {
	var made []string
	for dir := filepath.Dir(dest); ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		made = append(made, dir)
	}
	undo = func() {
		for _, dir := range made {
			os.Remove(dir)
		}
	}
	if err := os.MkdirAll(filepath.Dir(dest), 0o777); err != nil {
		undo()
		return nil, err
	}
	return undo, nil
}

// removeTree is os.RemoveAll for trees with read-only directories.
func removeTree(dir string) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	os.RemoveAll(dir)
}

// replaceLayout puts a new OCI layout in the place of dest, which is nothing, an
// empty directory or an OCI layout: whatever else it is, it is not ours to delete.
func replaceLayout(dest string, fill func(dir string) error) error {
	dest, err := resolveDir(dest)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(dest)
	exists := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := os.Stat(filepath.Join(dest, "oci-layout")); err != nil && len(entries) > 0 {
		return fmt.Errorf("%s holds other files than an OCI layout: it is not replaced", dest)
	}
	return inNewDirectory(dest, fill, func(dir string) error {
		if !exists {
			return os.Rename(dir, dest)
		}
		return exchange(dir, dest)
	})
}

// resolveDir is dest as an absolute path with links resolved as far as it exists.
func resolveDir(dest string) (string, error) {
	dest, err := filepath.Abs(dest)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(dest)
	if errors.Is(err, fs.ErrNotExist) {
		return dest, nil
	}
	return real, err
}

// swap exchanges two directories in two steps, for systems that have no single one.
func swap(dir, dest string) error {
	old := beside(dest)
	if err := os.Rename(dest, old); err != nil {
		return err
	}
	if err := os.Rename(dir, dest); err != nil {
		return errors.Join(err, os.Rename(old, dest))
	}
	return os.Rename(old, dir)
}
