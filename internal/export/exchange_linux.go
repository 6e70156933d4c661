package export

import "golang.org/x/sys/unix"

// exchange swaps two directories: at every moment there is one at dest.
func exchange(dir, dest string) error {
	if unix.Renameat2(unix.AT_FDCWD, dir, unix.AT_FDCWD, dest, unix.RENAME_EXCHANGE) == nil {
		return nil
	}
	return swap(dir, dest) // the file system may not know the exchange
}
