package testenv

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/plimsoll-build/plimsoll/internal/testenv/kept"
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

// cached returns the directory kind/key of the cache, made by build if it is not there yet.
func cached(ctx context.Context, kind, key string, build func(dir string) error) (string, error) {
	root, err := CacheDir()
	if err != nil {
		return "", err
	}
	return kept.Dir(ctx, filepath.Join(root, kind, key), build)
}
