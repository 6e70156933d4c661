package testenv

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

func TestCachedBuildsOnce(t *testing.T) {
	t.Setenv(CacheVariable, t.TempDir())
	var builds atomic.Int32
	build := func(dir string) error {
		builds.Add(1)
		return os.WriteFile(filepath.Join(dir, "file"), nil, 0o644)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			dir, err := cached(t.Context(), "kind", "key", build)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := os.Stat(filepath.Join(dir, "file")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := builds.Load(); n != 1 {
		t.Errorf("built %d times", n)
	}
}

func TestCachedForgetsFailures(t *testing.T) {
	t.Setenv(CacheVariable, t.TempDir())
	broken := errors.New("broken")
	_, err := cached(t.Context(), "kind", "key", func(string) error { return broken })
	if !errors.Is(err, broken) {
		t.Fatalf("error %v", err)
	}
	if _, err := cached(t.Context(), "kind", "key", func(string) error { return nil }); err != nil {
		t.Errorf("after a failure: %v", err)
	}
}
