//go:build !linux

package export

func exchange(dir, dest string) error { return swap(dir, dest) }
