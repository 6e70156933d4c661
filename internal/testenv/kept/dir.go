// Package kept keeps directories that take long to make, for tests and processes that share
// them. It must not know what is in them.
package kept

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// Dir returns a directory, made by fill if it is not there yet. One process fills it, the
// others wait. It is filled beside its place, so that a half of it is never seen.
func Dir(ctx context.Context, final string, fill func(dir string) error) (string, error) {
	if _, err := os.Stat(final); err == nil {
		return final, nil
	}
	if err := os.MkdirAll(filepath.Dir(final), 0o755); err != nil {
		return "", fmt.Errorf("making room for %s: %w", final, err)
	}
	lock := flock.New(final + ".lock")
	if _, err := lock.TryLockContext(ctx, 100*time.Millisecond); err != nil {
		return "", fmt.Errorf("waiting for %s: %w", final, err)
	}
	defer func() { _ = lock.Close() }()
	if _, err := os.Stat(final); err == nil {
		return final, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	work := final + ".new"
	if err := os.RemoveAll(work); err != nil {
		return "", err
	}
	if err := os.Mkdir(work, 0o755); err != nil {
		return "", err
	}
	if err := fill(work); err != nil {
		return "", errors.Join(err, os.RemoveAll(work))
	}
	return final, os.Rename(work, final)
}
