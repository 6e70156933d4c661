package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// One file in sketchOf, by the first byte of its sum, is in a sketch: an edited file then
// changes it once in sixteen times, as it may be one before and one after.
const sketchOf = 32

// stash keeps the sources below from as a file in warm, for seed, and writes their sketch: the
// sums of a part of them. Sources that differ in a few files have the same one, mostly.
func stash(from, warm, name, sketch string) error {
	var archive, sums bytes.Buffer
	w := zip.NewWriter(&archive)
	err := filepath.WalkDir(from, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(from, file)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return nil //nolint:nilerr // a link to a directory or to nothing: what needs it is compiled later
		}
		sum := sha256.Sum256(append([]byte(rel+"\x00"), data...))
		if sum[0]%sketchOf == 0 {
			fmt.Fprintf(&sums, "%x\n", sum)
		}
		f, err := w.CreateHeader(&zip.FileHeader{Name: filepath.ToSlash(rel), Method: zip.Store})
		if err == nil {
			_, err = f.Write(data)
		}
		return err
	})
	if err = errors.Join(err, w.Close()); err != nil {
		return fmt.Errorf("reading the sources: %w", err)
	}
	_ = write(stashFile(warm, name), archive.Bytes(), time.Now()) // without it, seed compiles nothing
	return write(sketch, sums.Bytes(), fixedTime)
}

// stashFile is named like an entry of the cache, so that it is swept like one.
func stashFile(warm, name string) string {
	sum := sha256.Sum256([]byte(name))
	return outputFile(warm, sum[:])
}

// seed runs a go command in a directory of the sources that stash kept last. Whatever is wrong with them is
// said when the service itself is compiled: here it only means that less is compiled.
func seed(warm, name, to, in string, argv []string) error {
	archive, err := os.ReadFile(stashFile(warm, name))
	if err != nil {
		return nil //nolint:nilerr // swept meanwhile
	}
	if err := unpack(archive, to); err != nil {
		return nil //nolint:nilerr // others write to the mount too
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = filepath.Join(to, in)
	cmd.Env = append(os.Environ(), "PWD="+cmd.Dir)
	_ = cmd.Run()
	return nil
}

// unpack writes regular files only, so that none of them leads out of the directory.
func unpack(archive []byte, to string) error {
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return err
	}
	for _, f := range r.File {
		name := filepath.FromSlash(f.Name)
		if !f.Mode().IsRegular() || !filepath.IsLocal(name) {
			return fmt.Errorf("%q is no file of sources", f.Name)
		}
		data, err := fs.ReadFile(r, f.Name)
		if err != nil {
			return err
		}
		if err := write(filepath.Join(to, name), data, fixedTime); err != nil {
			return err
		}
	}
	return nil
}
