package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
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
	w := tar.NewWriter(&archive)
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
		err = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: filepath.ToSlash(rel), Size: int64(len(data)), Mode: 0o644})
		if err == nil {
			_, err = w.Write(data)
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
	archive, err := os.Open(stashFile(warm, name))
	if err != nil {
		return nil //nolint:nilerr // swept meanwhile
	}
	defer func() { _ = archive.Close() }()
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
func unpack(from io.Reader, to string) error {
	for r := tar.NewReader(from); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := filepath.FromSlash(h.Name)
		if h.Typeflag != tar.TypeReg || !filepath.IsLocal(name) {
			return fmt.Errorf("%q is no file of sources", h.Name)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if err := write(filepath.Join(to, name), data, fixedTime); err != nil {
			return err
		}
	}
}
