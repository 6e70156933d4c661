package main

import (
	"bytes"
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// How long what earlier builds left is kept unused, how exactly its use is noted, and how
// often it is looked through: Go's own figures.
const (
	keepFor   = 5 * 24 * time.Hour
	noteUse   = time.Hour
	sweepEach = 24 * time.Hour
)

// swept is the file whose time says when warm was looked through.
const swept = "swept"

// indexMagic begins go's index of a module's packages (cmd/go/internal/modindex). Its key is
// the module's directory, whatever lies in it: made of a pruned module cache, it would tell
// a later build that packages which it needs do not exist.
const indexMagic = "go index v"

// cache is a build cache in layers of a container, and one that outlives the container. What
// is found in the second comes into the top layer: the layers then hold all that the compile
// used.
type cache struct {
	dir  string   // the top layer; all that is new is written there
	from []string // those below
	warm string   // empty without one
}

// get finds an entry and the path of its output.
func (c *cache) get(action []byte) (e entry, output string, ok bool, err error) {
	if e, output, ok := find(action, append([]string{c.dir}, c.from...)...); ok || c.warm == "" {
		return e, output, ok, nil
	}
	if e, output, ok = find(action, c.warm); !ok {
		return entry{}, "", false, nil
	}
	body, err := os.ReadFile(output)
	// An output may be half-written or damaged. One that somebody forged, with its action, is not seen.
	if sum := sha256.Sum256(body); err != nil || !bytes.Equal(sum[:], e.output) {
		_ = os.Remove(output)          // or the output made anew would seem to be there
		return entry{}, "", false, nil //nolint:nilerr // a miss
	}
	used(actionFile(c.warm, action), output)
	return e, outputFile(c.dir, e.output), true, store(c.dir, e, body, fixedTime)
}

// put keeps an output in both. Only the layer's has to be there.
func (c *cache) put(action, output, body []byte) error {
	e := entry{action: action, output: output, size: int64(len(body)), time: time.Now().UnixNano()}
	if c.warm != "" && !bytes.HasPrefix(body, []byte(indexMagic)) {
		_ = store(c.warm, e, body, time.Now()) // full or read-only: the next build compiles again
	}
	return store(c.dir, e, body, fixedTime)
}

// used notes that files of warm are in use.
func used(files ...string) {
	now := time.Now()
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && now.Sub(info.ModTime()) > noteUse {
			_ = os.Chtimes(file, now, now)
		}
	}
}

// close looks through warm once a day and removes what nothing has used for days.
func (c *cache) close() error {
	if c.warm == "" {
		return nil
	}
	now, stamp := time.Now(), filepath.Join(c.warm, swept)
	if info, err := os.Stat(stamp); err == nil && now.Sub(info.ModTime()) < sweepEach {
		return nil
	}
	if err := write(stamp, nil, now); err != nil {
		return nil //nolint:nilerr // a cache that cannot be written cannot be swept
	}
	files, err := filepath.Glob(filepath.Join(c.warm, "[0-9a-f][0-9a-f]", "*"))
	if err != nil {
		return err
	}
	for _, file := range files {
		info, err := os.Stat(file)
		name := filepath.Base(file)
		ours := strings.HasSuffix(name, "-a") || strings.HasSuffix(name, "-d") || strings.HasPrefix(name, ".new-")
		if err == nil && ours && now.Sub(info.ModTime()) > keepFor {
			_ = os.Remove(file) // another build may have been faster
		}
	}
	return nil
}
