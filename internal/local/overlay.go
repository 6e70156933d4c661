package local

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// overlay writes the go build overlay that takes from a compile what the build
// context does not hold, and adds its start-up hook. It returns the overlay's path; empty if
// there is nothing to change. Names follow from content: builds at the same time may share them.
func (c *Context) overlay(cacheDir string, hook *plan.Hook) (string, error) {
	replace := map[string]string{}
	for name := range c.files.hidden {
		replace[c.path(name)] = "" // to the go command: deleted
	}
	for _, name := range c.cut {
		// To the go command, replaced by a file that it will not find: a source
		// that cannot be read must fail, as it does in BuildKit, and say why.
		replace[c.path(name)] = c.path(name + " (a link to what is not in the build context)")
	}
	if hook != nil {
		dir, err := c.files.resolve("open", path.Dir(hook.Path), true) // go does not follow links here
		if err != nil {
			return "", fmt.Errorf("finding the place of the start-up hook: %w", err)
		}
		at, err := keepOverlay(cacheDir, []byte(hook.Content), ".go")
		if err != nil {
			return "", fmt.Errorf("writing the start-up hook: %w", err)
		}
		replace[c.path(path.Join(dir, path.Base(hook.Path)))] = at
	}
	if len(replace) == 0 {
		return "", nil
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", fmt.Errorf("encoding the overlay of ignored files: %w", err)
	}
	file, err := keepOverlay(cacheDir, data, ".json")
	if err != nil {
		return "", fmt.Errorf("writing the overlay of ignored files: %w", err)
	}
	return file, nil
}

func keepOverlay(cacheDir string, data []byte, suffix string) (string, error) {
	sum := sha256.Sum256(data)
	file := filepath.Join(cacheDir, overlayDir, hex.EncodeToString(sum[:])+suffix)
	return file, writeAtomic(file, data)
}

func (c *Context) path(name string) string {
	return filepath.Join(c.Dir, filepath.FromSlash(name))
}

// writeAtomic writes a file that appears complete or not at all.
func writeAtomic(file string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".tmp-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}
