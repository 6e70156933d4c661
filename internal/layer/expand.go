package layer

import (
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// entry is one header of the tar with its content.
type entry struct {
	// file holds path, owner and the final mode; of its source only Dir and Symlink count.
	file plan.File
	data content
}

// dirMode is the mode of directories that come with a tree.
const dirMode plan.Mode = 0o755

// expand lists the layer's entries in walk order, trees taken apart. Where a file
// of the plan lies in a tree, the file of the plan it is.
func expand(l plan.Layer, src Sources) ([]entry, error) {
	var trees, files []entry
	for _, f := range l.Files {
		if f.Source.Tree != "" {
			entries, err := expandTree(f, src)
			if err != nil {
				return nil, fmt.Errorf("copying tree %s to %s: %w", f.Source.Tree, f.Path, err)
			}
			trees = append(trees, entries...)
			continue
		}
		e, err := resolve(f, src)
		if err != nil {
			return nil, fmt.Errorf("placing %s: %w", f.Path, err)
		}
		files = append(files, e)
	}
	return merge(trees, files)
}

// merge sorts entries in walk order; of equal paths the last one given stays.
func merge(groups ...[]entry) ([]entry, error) {
	all := slices.Concat(groups...)
	slices.SortStableFunc(all, func(a, b entry) int { return plan.CompareFiles(a.file, b.file) })
	var merged []entry
	dirs := map[string]bool{"/": true}
	for i, e := range all {
		if i+1 < len(all) && all[i+1].file.Path == e.file.Path {
			continue
		}
		if !dirs[path.Dir(e.file.Path)] {
			return nil, fmt.Errorf("%s is placed below %s, which is not a directory of this layer", e.file.Path, path.Dir(e.file.Path))
		}
		dirs[e.file.Path] = e.file.Source.Dir
		merged = append(merged, e)
	}
	return merged, nil
}

// resolve is the entry of a file that is no tree.
func resolve(f plan.File, src Sources) (entry, error) {
	e := entry{file: f}
	var err error
	switch s := f.Source; {
	case s.Dir, s.Symlink != "":
	case s.Binary != "":
		e.data, err = src.binary(s.Binary)
	case s.Context != "":
		var mode fs.FileMode
		e.data, mode, err = src.file(s.Context)
		e.file.Mode = normal(f.Mode, mode)
	case s.Root != nil:
		e.data, err = src.rootData(*s.Root)
	default:
		e.data = inline(s.Inline)
	}
	return e, err
}

// normal is the mode that the spec names, else the rule's.
func normal(wanted plan.Mode, found fs.FileMode) plan.Mode {
	if wanted != 0 {
		return wanted
	}
	return plan.NormalMode(found)
}

// expandTree walks a directory of the build context. Links are kept: what they
// point to is the image's, not the context's.
func expandTree(f plan.File, src Sources) ([]entry, error) {
	var entries []entry
	f.Source.Tree = path.Clean(f.Source.Tree)
	err := fs.WalkDir(src.Context, f.Source.Tree, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name == f.Source.Tree {
			return addTreeRoot(&entries, f, src)
		}
		to := plan.File{Path: path.Join(f.Path, name[len(prefix(f.Source.Tree)):]), UID: f.UID, GID: f.GID}
		e, err := treeEntry(to, f.Mode, name, d, src)
		entries = append(entries, e)
		return err
	})
	return entries, err
}

// prefix is what the names below a directory of an fs.FS start with.
func prefix(dir string) string {
	if dir == "." {
		return ""
	}
	return dir + "/"
}

func addTreeRoot(entries *[]entry, f plan.File, src Sources) error {
	info, err := fs.Stat(src.Context, f.Source.Tree)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("it is not a directory (%s)", info.Mode().Type())
	}
	*entries = append(*entries, entry{file: directory(f)})
	return nil
}

// directory is f as a directory that comes with a tree.
func directory(f plan.File) plan.File {
	f.Mode, f.Source = dirMode, plan.Source{Dir: true}
	return f
}

func treeEntry(to plan.File, wanted plan.Mode, name string, d fs.DirEntry, src Sources) (entry, error) {
	switch d.Type() {
	case fs.ModeDir:
		return entry{file: directory(to)}, nil
	case fs.ModeSymlink:
		target, err := fs.ReadLink(src.Context, name)
		to.Source.Symlink = target
		return entry{file: to}, err
	case 0:
		data, mode, err := src.file(name)
		to.Mode = normal(wanted, mode)
		return entry{file: to, data: data}, err
	}
	return entry{}, fmt.Errorf("%s is neither a file, a directory nor a link (%s): an image cannot hold it", name, d.Type())
}
