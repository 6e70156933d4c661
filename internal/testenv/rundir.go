package testenv

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/gofrs/flock"
)

// runDir is the directory of one running daemon or bed. Its owner holds a lock on
// the file beside it for as long as it lives; the kernel gives the lock back
// however the owner ends, so a directory without a holder is a dead one's.
type runDir struct {
	dir  string
	lock *flock.Flock
}

// maxSocketPath is what sockaddr_un leaves for a path.
const maxSocketPath = 107

// newRunDir makes a directory and removes those of dead owners.
func newRunDir() (*runDir, error) {
	cache, err := CacheDir()
	if err != nil {
		return nil, err
	}
	parent := filepath.Join(cache, "run")
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, fmt.Errorf("making a directory for the bed: %w", err)
	}
	// One process at a time looks for dead owners and makes its own directory, or
	// the first could take a directory that has no holder yet for a dead one's.
	turn := flock.New(filepath.Join(parent, "turn"))
	if err := turn.Lock(); err != nil {
		return nil, fmt.Errorf("making a directory for the bed: %w", err)
	}
	defer func() { _ = turn.Close() }()
	if err := removeStale(parent); err != nil {
		return nil, err
	}
	lockFile, err := os.CreateTemp(parent, "*.lock")
	if err != nil {
		return nil, fmt.Errorf("making a directory for the bed: %w", err)
	}
	_ = lockFile.Close()
	r := &runDir{dir: strings.TrimSuffix(lockFile.Name(), ".lock"), lock: flock.New(lockFile.Name())}
	if ok, err := r.lock.TryLock(); err != nil || !ok {
		return nil, fmt.Errorf("locking the bed's directory: %w", errors.Join(err, os.ErrExist))
	}
	if len(r.path("buildkitd.sock")) > maxSocketPath {
		return nil, errors.Join(fmt.Errorf("%s is too long for a socket: set %s to a shorter path", r.dir, CacheVariable), r.remove())
	}
	if err := os.Mkdir(r.dir, 0o711); err != nil {
		return nil, errors.Join(fmt.Errorf("making a directory for the bed: %w", err), r.remove())
	}
	return r, nil
}

func (r *runDir) path(name string) string { return filepath.Join(r.dir, name) }

// remove unmounts and deletes the directory, then lets the lock go.
func (r *runDir) remove() error {
	err := removeTree(r.dir)
	if err == nil {
		err = os.Remove(r.lock.Path())
	}
	// Another process may have taken the lock for a dead one's and removed it.
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, r.lock.Close())
}

// removeStale deletes the directories whose owners are gone. One whose daemon is
// still shutting down stays for the next time.
func removeStale(parent string) error {
	locks, err := filepath.Glob(filepath.Join(parent, "*.lock"))
	if err != nil {
		return err
	}
	for _, file := range locks {
		lock := flock.New(file)
		ok, err := lock.TryLock()
		if err != nil || !ok {
			continue
		}
		stale := &runDir{dir: strings.TrimSuffix(file, ".lock"), lock: lock}
		if daemonLives(stale.path("root")) {
			_ = lock.Close()
			continue
		}
		if err := stale.remove(); err != nil {
			return fmt.Errorf("removing what a dead bed left: %w", err)
		}
	}
	return nil
}

// daemonLives says whether a buildkitd still holds its own lock on the root.
func daemonLives(root string) bool {
	file := filepath.Join(root, "buildkitd.lock")
	if _, err := os.Stat(file); err != nil {
		return false
	}
	lock := flock.New(file)
	defer func() { _ = lock.Close() }()
	ok, err := lock.TryLock()
	return err == nil && !ok
}

// removeTree deletes a directory with whatever is still mounted in it.
func removeTree(dir string) error {
	mounts, err := mountsUnder(dir)
	if err != nil {
		return err
	}
	for _, mount := range mounts {
		if err := syscall.Unmount(mount, syscall.MNT_DETACH); err != nil && !errors.Is(err, syscall.EINVAL) {
			return fmt.Errorf("unmounting %s: %w", mount, err)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("removing the bed's directory: %w", err)
	}
	return nil
}

// mountsUnder lists the mount points under dir, the innermost first.
func mountsUnder(dir string) ([]string, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("listing mounts: %w", err)
	}
	defer func() { _ = f.Close() }()
	var mounts []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) > 4 && strings.HasPrefix(fields[4], dir+"/") {
			mounts = append(mounts, strings.ReplaceAll(fields[4], `\040`, " "))
		}
	}
	slices.Reverse(mounts)
	return mounts, lines.Err()
}
