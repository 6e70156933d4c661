package testenv

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

// CacheVariable is the environment variable that moves the cache.
const CacheVariable = "PLIMSOLL_BED_CACHE"

// CacheDir is where programs, base images and running beds live: the value of
// PLIMSOLL_BED_CACHE, or plimsoll-bed in the user's cache directory.
func CacheDir() (string, error) {
	dir := os.Getenv(CacheVariable)
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("finding the bed's cache (set %s): %w", CacheVariable, err)
		}
		dir = filepath.Join(user, "plimsoll-bed")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("finding the bed's cache: %w", err)
	}
	return dir, os.MkdirAll(dir, 0o755)
}

// cached returns the directory kind/key of the cache, made by build if it is not
// there yet. One process builds, the others wait; a half-built directory is never
// seen, because build works in one beside it.
func cached(ctx context.Context, kind, key string, build func(dir string) error) (string, error) {
	root, err := CacheDir()
	if err != nil {
		return "", err
	}
	parent := filepath.Join(root, kind)
	final := filepath.Join(parent, key)
	if _, err := os.Stat(final); err == nil {
		return final, nil
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
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
	if err := build(work); err != nil {
		return "", errors.Join(err, os.RemoveAll(work))
	}
	return final, os.Rename(work, final)
}
