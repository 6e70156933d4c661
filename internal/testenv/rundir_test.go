package testenv

import (
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// What a killed owner left, a mount included, is removed by the next start; what a
// living one holds stays.
func TestStaleDirectories(t *testing.T) {
	t.Setenv(CacheVariable, t.TempDir())
	alive, err := newRunDir()
	if err != nil {
		t.Fatal(err)
	}
	dead, err := newRunDir()
	if err != nil {
		t.Fatal(err)
	}
	mount := dead.path("mounted")
	if err := os.Mkdir(mount, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", mount, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	// The kernel does this for a process that dies.
	if err := dead.lock.Close(); err != nil {
		t.Fatal(err)
	}

	next, err := newRunDir()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(dead.dir); !os.IsNotExist(err) {
		t.Errorf("the dead bed's directory is still there: %v", err)
	}
	if _, err := os.Lstat(alive.dir); err != nil {
		t.Errorf("the living bed's directory: %v", err)
	}
	for _, r := range []*runDir{alive, next} {
		if err := r.remove(); err != nil {
			t.Error(err)
		}
	}
}

func TestRunDirectoriesAreParallelSafe(t *testing.T) {
	t.Setenv(CacheVariable, t.TempDir())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				r, err := newRunDir()
				if err != nil {
					t.Error(err)
					return
				}
				if err := os.WriteFile(r.path("file"), nil, 0o644); err != nil {
					t.Error(err)
				}
				if err := r.remove(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestSocketPathTooLong(t *testing.T) {
	long := filepath.Join(t.TempDir(), "a-directory-whose-name-alone-is-nearly-as-long-as-a-socket-path-may-be-on-linux")
	t.Setenv(CacheVariable, long)
	if _, err := newRunDir(); err == nil {
		t.Error("no error for a path that no socket fits in")
	}
	left, err := os.ReadDir(filepath.Join(long, "run"))
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}
