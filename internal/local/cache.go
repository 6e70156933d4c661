package local

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The bounds that a build keeps its cache in by itself.
const (
	// CacheLimit is the size in bytes above which a build prunes.
	CacheLimit int64 = 8 << 30
	// CacheRest is for how long an entry is left alone after its last use, whatever
	// the size: another build may be about to read it.
	CacheRest = time.Hour
)

// The kinds of entries of a cache: directories below it.
const (
	binDir     = "bin"
	layerDir   = "layers"
	overlayDir = "overlay"
	verdictDir = "verdicts"
	baseDir    = "bases"
)

// kinds are all of them.
var kinds = []string{binDir, layerDir, overlayDir, verdictDir, baseDir}

// Cache is the directory that the embedded engine keeps things in between builds.
type Cache struct{ Dir string }

// Usage is what the entries of one kind take.
type Usage struct {
	// Kind is "bin", "layers", "overlay", "verdicts" or "bases".
	Kind string
	// Entries and Bytes count them.
	Entries int
	Bytes   int64
}

// cached is one entry: files that are of use together only.
type cached struct {
	kind  string
	files []string
	bytes int64
	used  time.Time
}

// Writable makes the cache's directories and tries to write into each.
func (c Cache) Writable() error {
	for _, kind := range kinds {
		dir := filepath.Join(c.Dir, kind)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		probe, err := os.CreateTemp(dir, "tmp-probe-")
		if err != nil {
			return err
		}
		if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
			return err
		}
	}
	return nil
}

// Verdict is what KeepVerdict kept under a key.
func (c Cache) Verdict(key string) ([]byte, bool) {
	file := filepath.Join(c.Dir, verdictDir, verdictName(key))
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, false
	}
	now := time.Now()
	_ = os.Chtimes(file, now, now) // what prunes the cache goes by the last use
	return data, true
}

// KeepVerdict keeps what was found out about an image. The key says all that it depends on:
// the image's digest, and what judged it.
func (c Cache) KeepVerdict(key string, verdict []byte) error {
	dir := filepath.Join(c.Dir, verdictDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("keeping a verdict: %w", err)
	}
	tmp, err := os.CreateTemp(dir, "tmp-")
	if err != nil {
		return fmt.Errorf("keeping a verdict: %w", err)
	}
	_, err = tmp.Write(verdict)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), filepath.Join(dir, verdictName(key)))
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
		return fmt.Errorf("keeping a verdict: %w", err)
	}
	return nil
}

func verdictName(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// Usage says what the cache holds, by kind.
func (c Cache) Usage() ([]Usage, error) {
	var all []Usage
	for _, kind := range kinds {
		entries, err := c.entries(kind)
		if err != nil {
			return nil, err
		}
		u := Usage{Kind: kind, Entries: len(entries)}
		for _, e := range entries {
			u.Bytes += e.bytes
		}
		all = append(all, u)
	}
	return all, nil
}

// Prune removes the entries that were used longest ago until at most limit bytes are
// left, but none that was used after the time before. It returns the bytes freed.
func (c Cache) Prune(ctx context.Context, limit int64, before time.Time) (freed int64, err error) {
	var all []cached
	for _, kind := range kinds {
		entries, err := c.entries(kind)
		if err != nil {
			return 0, err
		}
		all = append(all, entries...)
	}
	var total int64
	for _, e := range all {
		total += e.bytes
	}
	slices.SortFunc(all, func(a, b cached) int { return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.files[0], b.files[0])) })
	for _, e := range all {
		if total-freed <= limit || !e.used.Before(before) {
			break
		}
		if err := c.remove(ctx, e); err != nil {
			return freed, fmt.Errorf("pruning the cache: %w", err)
		}
		freed += e.bytes
	}
	return freed, nil
}

// remove drops an entry. A binary's is locked as its build locks it.
func (c Cache) remove(ctx context.Context, e cached) error {
	if e.kind == binDir {
		unlock, err := lock(ctx, e.files[0]+".lock")
		if err != nil {
			return err
		}
		defer unlock()
	}
	for _, file := range e.files {
		if err := os.RemoveAll(file); err != nil {
			return err
		}
	}
	return nil
}

// entries groups the files of one kind: a binary's directory with its mark, a layer's
// record with its blob. What is not of that form is left alone.
func (c Cache) entries(kind string) ([]cached, error) {
	dir := filepath.Join(c.Dir, kind)
	found, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the cache: %w", err)
	}
	var all []cached
	for _, d := range found {
		name := filepath.Join(dir, d.Name())
		switch {
		case kind == binDir && d.IsDir():
			all = append(all, measured(kind, name, name+".size", name+".made"))
		case kind == binDir:
		case !strings.HasPrefix(d.Name(), "tmp-"):
			all = append(all, measured(kind, name))
		default:
			if e := measured(kind, name); time.Since(e.used) > CacheRest { // of a build that was killed
				all = append(all, e)
			}
		}
	}
	return all, nil
}

// measured is an entry with its size and the time of its last use: the youngest of its
// files. One that vanishes meanwhile counts nothing.
func measured(kind string, files ...string) cached {
	e := cached{kind: kind, files: files}
	for _, file := range files {
		_ = filepath.WalkDir(file, func(_ string, d fs.DirEntry, err error) error {
			if err != nil {
				return nil //nolint:nilerr // gone already
			}
			if info, err := d.Info(); err == nil {
				if info.Mode().IsRegular() {
					e.bytes += info.Size()
				}
				if info.ModTime().After(e.used) {
					e.used = info.ModTime()
				}
			}
			return nil
		})
	}
	return e
}
