package local

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// overlay writes the go build overlay that takes from a compile what the build
// context does not hold, and returns its path; empty if there is nothing to take.
// The name follows from the content: builds at the same time may share it.
func (c *Context) overlay(cacheDir string) (string, error) {
	replace := map[string]string{}
	for name := range c.files.hidden {
		replace[c.path(name)] = "" // to the go command: deleted
	}
	for _, name := range c.cut {
		// To the go command, replaced by a file that it will not find: a source
		// that cannot be read must fail, as it does in BuildKit, and say why.
		replace[c.path(name)] = c.path(name + " (a link to what is not in the build context)")
	}
	if len(replace) == 0 {
		return "", nil
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", fmt.Errorf("encoding the overlay of ignored files: %w", err)
	}
	sum := sha256.Sum256(data)
	file := filepath.Join(cacheDir, overlayDir, hex.EncodeToString(sum[:])+".json")
	if err := writeAtomic(file, data); err != nil {
		return "", fmt.Errorf("writing the overlay of ignored files: %w", err)
	}
	return file, nil
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
