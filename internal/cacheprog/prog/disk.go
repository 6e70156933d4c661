package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// entry is one line of an action's file, as Go's own disk cache writes it: a later go command
// with GOCACHE set to the directory finds everything (cmd/go/internal/cache).
type entry struct {
	action, output []byte
	size           int64 // bytes
	time           int64 // nanoseconds since 1970
}

func (e entry) String() string {
	return fmt.Sprintf("v1 %x %x %20d %20d\n", e.action, e.output, e.size, e.time)
}

// parseEntry reads an action's file; ok is false for anything but one whole line.
func parseEntry(data []byte) (e entry, ok bool) {
	if len(data) == 0 || len(data) > 1<<10 || data[len(data)-1] != '\n' {
		return entry{}, false
	}
	f := bytes.Fields(data)
	if len(f) != 5 || string(f[0]) != "v1" {
		return entry{}, false
	}
	var errs [4]error
	e.action, errs[0] = hex.DecodeString(string(f[1]))
	e.output, errs[1] = hex.DecodeString(string(f[2]))
	e.size, errs[2] = strconv.ParseInt(string(f[3]), 10, 64)
	e.time, errs[3] = strconv.ParseInt(string(f[4]), 10, 64)
	if errors.Join(errs[:]...) != nil || len(e.action) == 0 || len(e.output) == 0 || e.size < 0 || e.time < 0 {
		return entry{}, false
	}
	return e, true
}

func actionFile(dir string, id []byte) string { return cacheFile(dir, id, "-a") }
func outputFile(dir string, id []byte) string { return cacheFile(dir, id, "-d") }

func cacheFile(dir string, id []byte, suffix string) string {
	return filepath.Join(dir, hex.EncodeToString(id[:1]), hex.EncodeToString(id)+suffix)
}

// find finds an entry in one of the directories, and its output, in its full size, in the
// same or another one. It returns the output's path.
func find(action []byte, dirs ...string) (e entry, output string, ok bool) {
	for _, dir := range dirs {
		data, err := os.ReadFile(actionFile(dir, action))
		if err != nil {
			continue
		}
		e, ok := parseEntry(data)
		if !ok || !bytes.Equal(e.action, action) {
			continue
		}
		for _, at := range append([]string{dir}, dirs...) {
			output := outputFile(at, e.output)
			if info, err := os.Stat(output); err == nil && info.Mode().IsRegular() && info.Size() == e.size {
				return e, output, true
			}
		}
	}
	return entry{}, "", false
}

// store writes an entry, its output first: whoever finds the entry finds the output. What is
// there already is left as it is: to write it again would copy it out of a lower layer.
func store(dir string, e entry, body []byte, at time.Time) error {
	if there, _, ok := find(e.action, dir); ok && bytes.Equal(there.output, e.output) && there.size == e.size {
		return nil
	}
	output := outputFile(dir, e.output)
	if info, err := os.Stat(output); err != nil || info.Size() != e.size {
		if err := write(output, body, at); err != nil {
			return err
		}
	}
	return write(actionFile(dir, e.action), []byte(e.String()), at)
}

// write puts a file in its place as a whole, however many programs write it at once.
func write(name string, data []byte, at time.Time) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-")
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(name), 0o755); err == nil {
			f, err = os.CreateTemp(filepath.Dir(name), ".new-")
		}
	}
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Chtimes(f.Name(), at, at)
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// lay copies the entries of the caches from into dir, for a go command that serves itself.
func lay(dir string, from []string) error {
	for _, lower := range from {
		files, err := filepath.Glob(filepath.Join(lower, "[0-9a-f][0-9a-f]", "*"))
		if err != nil {
			return err
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err == nil {
				err = write(filepath.Join(dir, filepath.Base(filepath.Dir(file)), filepath.Base(file)), data, fixedTime)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// settle makes of a cache that the go command itself wrote what serve would have left: what
// was laid is gone, all else has the fixed time, and there are no notes of when it was trimmed.
// Indexes of modules stay only where later builds see the very same modules (see indexMagic).
func settle(dir string, indexes bool) error {
	return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if filepath.Dir(name) == dir || info.ModTime().Equal(fixedTime) {
			return os.Remove(name)
		}
		if !indexes && isIndex(name) {
			return os.Remove(name)
		}
		return os.Chtimes(name, fixedTime, fixedTime)
	})
}

// strip is settle for a cache that was served.
func strip(dir string, indexes bool) error {
	return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && (filepath.Dir(name) == dir || !indexes && isIndex(name)) {
			return os.Remove(name)
		}
		return err
	})
}

// lend copies a settled cache into warm, as put would have, outputs first: whoever finds an entry
// finds its output. It returns the number of files that it found, copied or there already.
func lend(dir, warm string) (n int, err error) {
	for _, kind := range []string{"*-d", "*-a"} {
		files, err := filepath.Glob(filepath.Join(dir, "[0-9a-f][0-9a-f]", kind))
		if err != nil {
			return n, err
		}
		for _, file := range files {
			to := filepath.Join(warm, filepath.Base(filepath.Dir(file)), filepath.Base(file))
			if isIndex(file) {
				continue
			}
			n++
			if _, err := os.Stat(to); err == nil {
				continue
			}
			data, err := os.ReadFile(file)
			if err == nil {
				err = write(to, data, time.Now())
			}
			if err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

func isIndex(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, len(indexMagic))
	_, err = io.ReadFull(f, head)
	return err == nil && string(head) == indexMagic
}
