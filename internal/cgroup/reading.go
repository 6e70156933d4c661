package cgroup

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"syscall"
)

// Reading is one number of one file.
type Reading struct {
	// File is absolute; empty if it is not known which file it would be.
	File string
	// Value is the number, in the unit of the file.
	Value int64
	// Unlimited is a file that says that there is no limit. Value is zero then.
	Unlimited bool
	// Err is why nothing is known; [Reason] puts it into words.
	Err error
}

// Known reports whether the file was read and understood.
func (r Reading) Known() bool { return r.File != "" && r.Err == nil }

// Limited reports whether the file sets a limit.
func (r Reading) Limited() bool { return r.Known() && !r.Unlimited }

// Reasons why something is not known, besides those of a file system.
var (
	// ErrNoMount is that the hierarchy is not mounted here.
	ErrNoMount = errors.New("not mounted")
	// ErrOutside is that the mounts that there are do not hold the process's own group:
	// their root is elsewhere, as after a bind mount of the host's /sys/fs/cgroup.
	ErrOutside = errors.New("the mount does not hold the own group")
	// ErrNoMember is that the process is in no group that has the controller.
	ErrNoMember = errors.New("the process is in no such group")
	// ErrMalformed is a file that does not say what it should.
	ErrMalformed = errors.New("malformed")
)

// Reason is an error of a Reading in a word or two.
func Reason(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, fs.ErrNotExist):
		return "no such file"
	case errors.Is(err, fs.ErrPermission):
		return "permission denied"
	case errors.Is(err, syscall.ENODEV):
		return "no such device"
	}
	return err.Error()
}

// maxFile is more than any of the files holds, in bytes; a mountinfo of ten thousand
// mounts fits.
const maxFile = 4 << 20

// readFile reads a file by its absolute path.
func readFile(fsys fs.FS, name string) (string, error) {
	f, err := fsys.Open(inFS(name))
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return "", err
	}
	if len(data) > maxFile {
		return "", fmt.Errorf("%s: more than %d bytes: %w", name, maxFile, ErrMalformed)
	}
	return string(data), nil
}

// inFS is an absolute path as fs.FS wants it.
func inFS(name string) string {
	if name = strings.TrimPrefix(path.Clean("/"+name), "/"); name == "" {
		return "."
	}
	return name
}

// isDir reports whether a directory is there, or why it cannot be known.
func isDir(fsys fs.FS, name string) error {
	info, err := fs.Stat(fsys, inFS(name))
	if err == nil && !info.IsDir() {
		return fmt.Errorf("%s: not a directory: %w", name, ErrMalformed)
	}
	return err
}

// noLimit is the least value that means "no limit" in v1: the kernel shows the largest
// number of pages in bytes, so that the value depends on the page size; old kernels and
// emulations show the largest number of 64 bits. No machine has an EiB.
const noLimit = 1 << 60

// readNumber reads a file that holds one number, "max", or v1's -1.
func readNumber(fsys fs.FS, file string) Reading {
	r := Reading{File: file}
	text, err := readFile(fsys, file)
	if err != nil {
		r.Err = err
		return r
	}
	switch text = strings.TrimSpace(text); text {
	case "max", "-1":
		r.Unlimited = true
		return r
	}
	n, err := strconv.ParseUint(text, 10, 64)
	switch {
	case err != nil:
		r.Err = fmt.Errorf("%s: %q: %w", file, clip(text), ErrMalformed)
	case n >= noLimit:
		r.Unlimited = true
	default:
		r.Value = int64(n)
	}
	return r
}

// clip shortens what a hostile file may hold.
func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}

// lower is the lower of two limits; what is not limited does not count.
func lower(a, b Reading) Reading {
	if !b.Limited() || a.Limited() && a.Value <= b.Value {
		return a
	}
	return b
}
