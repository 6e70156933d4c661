package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// One part in sketchOf, by the first byte of its sum, is in a sketch: an edited one then
// changes it once in sixteen times, as it may be one before and one after.
const sketchOf = 32

// stash keeps the sources below from as a file in warm, for seed, and writes their sketch: the
// sums of a part of them. Sources that differ in a few files have the same one, mostly. The file
// with more arguments, if there is one, is in no sketch.
func stash(from, warm, name, more, sketch string) error {
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
		for _, part := range parts(rel, more, data) {
			sum := sha256.Sum256(append([]byte(rel+"\x00"), part...))
			if sum[0]%sketchOf == 0 || namesModule(rel, part) {
				fmt.Fprintf(&sums, "%x\n", sum)
			}
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
	_ = write(stashFile(warm, name, sums.Bytes()), archive.Bytes(), time.Now()) // without it, seed compiles nothing
	return write(sketch, sums.Bytes(), fixedTime)
}

// parts are what a sketch is made of: whole files, but the lines of those that list modules,
// since any change of their many lines would be one of the file.
func parts(rel, more string, data []byte) [][]byte {
	if rel == more {
		return nil // what is imported more, the next vertex compiles
	}
	switch filepath.Base(rel) {
	case "go.sum", "go.work.sum":
		return nil // they follow the others
	case "go.mod":
		return bytes.Split(data, []byte("\n"))
	}
	return [][]byte{data}
}

// namesModule reports whether a line says which module a go.mod is of. It is in every sketch: else
// all services with few requirements would share one.
func namesModule(rel string, line []byte) bool {
	return filepath.Base(rel) == "go.mod" && bytes.HasPrefix(line, []byte("module"))
}

// stashFile is named like an entry of the cache, so that it is swept like one.
func stashFile(warm, name string, sketch []byte) string {
	sum := sha256.Sum256(append([]byte(name+"\x00"), sketch...))
	return outputFile(warm, sum[:])
}

// seeding is a command that runs on the sources that stash kept last.
type seeding struct {
	to, in string // where the sources come, and where in them the command runs
	more   string // the file of the sources with more arguments; empty without one
	argv   []string
	says   io.Writer // what the command prints as errors; nil for nobody
}

// run runs the command. Whatever is wrong with it is said when the service itself is fetched
// and compiled: here it only means that less is made.
func (s seeding) run(warm, name, sketch string) error {
	sums, err := os.ReadFile(sketch)
	if err != nil {
		return err
	}
	archive, err := os.ReadFile(stashFile(warm, name, sums))
	if err != nil {
		return nil //nolint:nilerr // swept meanwhile
	}
	if err := unpack(archive, s.to); err != nil {
		return nil //nolint:nilerr // others write to the mount too
	}
	argv := s.argv
	if s.more != "" {
		lines, err := os.ReadFile(filepath.Join(s.to, s.more))
		if err != nil {
			return nil //nolint:nilerr // as above
		}
		for _, arg := range strings.Fields(string(lines)) {
			if !strings.HasPrefix(arg, "-") { // no flags from there
				argv = append(argv[:len(argv):len(argv)], arg)
			}
		}
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = filepath.Join(s.to, s.in)
	cmd.Env = append(os.Environ(), "PWD="+cmd.Dir)
	cmd.Stderr = s.says
	_ = cmd.Run()
	return nil
}

// mismatch is what the go command says of a module that has come with another content
// (cmd/go/internal/modfetch/fetch.go).
const mismatch = "checksum mismatch"

// renew runs a command that adds modules to a directory. Where it fails on what an earlier one left
// there, it runs once more, on an empty one.
func renew(dir string, argv []string) error {
	var said bytes.Buffer
	command := func() error {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Stdout, cmd.Stderr = os.Stdout, io.MultiWriter(os.Stderr, &said)
		return cmd.Run()
	}
	err := command()
	entries, unread := os.ReadDir(dir)
	if err == nil || unread != nil || len(entries) == 0 || !bytes.Contains(said.Bytes(), []byte(mismatch)) {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	fmt.Fprintln(os.Stderr, "cacheprog: trying once more, without what an earlier build fetched")
	return command()
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
