package check

import (
	"io/fs"
	"os"
	"slices"
	"strings"
)

// tree is a root file system whose names may be any bytes, as those of a tar are: os.Root's
// own FS refuses what is not UTF-8. No link leads out of it either.
type tree struct{ root *os.Root }

func (t tree) Open(name string) (fs.File, error)      { return t.root.Open(name) }
func (t tree) ReadLink(name string) (string, error)   { return t.root.Readlink(name) }
func (t tree) Lstat(name string) (fs.FileInfo, error) { return t.root.Lstat(name) }
func (t tree) ReadDir(name string) ([]fs.DirEntry, error) {
	f, err := t.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}
