package gosource

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/module"
)

// embedded are the files that go:embed patterns of a package match, by the rules of
// cmd/go (load.resolveEmbed).
func (t *tree) embedded(dir string, patterns []string) ([]string, error) {
	var files []string
	for _, pattern := range patterns {
		glob, all := strings.CutPrefix(pattern, "all:")
		if _, err := path.Match(glob, ""); err != nil || !fs.ValidPath(glob) || glob == "." {
			return nil, fmt.Errorf("%s: pattern %s: invalid pattern syntax", dir, pattern)
		}
		matches, err := t.glob(dir, strings.Split(glob, "/"))
		if err != nil {
			return nil, fmt.Errorf("%s: pattern %s: %w", dir, pattern, err)
		}
		if len(matches) == 0 {
			return nil, fmt.Errorf("%s: pattern %s: no matching files found", dir, pattern)
		}
		for _, match := range matches {
			found, err := t.embed(dir, match, all)
			if err != nil {
				return nil, fmt.Errorf("%s: pattern %s: %w", dir, pattern, err)
			}
			files = append(files, found...)
		}
	}
	return files, nil
}

// glob matches the elements of a pattern below a directory.
func (t *tree) glob(dir string, elems []string) ([]string, error) {
	if len(elems) == 0 {
		return []string{dir}, nil
	}
	entries, err := t.readDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		if ok, _ := path.Match(elems[0], name); !ok || len(elems) > 1 && entries[name].Type().IsRegular() {
			continue
		}
		found, err := t.glob(path.Join(dir, name), elems[1:])
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// embed is what one match of a pattern embeds: itself, or the files of its tree.
func (t *tree) embed(pkgDir, match string, all bool) ([]string, error) {
	for dir := match; dir != pkgDir; dir = path.Dir(dir) {
		mode, err := t.lstat(dir)
		if err != nil {
			return nil, err
		}
		if dir != match && !mode.IsDir() {
			return nil, fmt.Errorf("cannot embed %s: in non-directory %s", match, dir)
		}
		if badName(path.Base(dir)) {
			return nil, fmt.Errorf("cannot embed %s: invalid name %s", match, path.Base(dir))
		}
		if found, err := t.begins(dir, mode); err != nil || found {
			return nil, errors.Join(err, fmt.Errorf("cannot embed %s: in different module", match))
		}
	}
	mode, err := t.lstat(match)
	switch {
	case err != nil:
		return nil, err
	case mode.IsRegular():
		return []string{match}, nil
	case !mode.IsDir():
		return nil, fmt.Errorf("cannot embed irregular file %s", match)
	}
	files, err := t.walk(match, all)
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("cannot embed directory %s: contains no embeddable files", match)
	}
	return files, err
}

// walk are the embeddable files of a directory's tree, up to other modules.
func (t *tree) walk(dir string, all bool) ([]string, error) {
	entries, err := t.readDir(dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		if badName(name) || !all && (name[0] == '.' || name[0] == '_') {
			continue
		}
		file, mode := path.Join(dir, name), entries[name].Type()
		if mode.IsRegular() {
			out = append(out, file)
		}
		if !mode.IsDir() {
			continue
		}
		other, err := t.begins(file, mode)
		if err != nil {
			return nil, err
		}
		if other {
			continue
		}
		found, err := t.walk(file, all)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// begins says whether a directory is the root of a module.
func (t *tree) begins(dir string, mode fs.FileMode) (bool, error) {
	if !mode.IsDir() {
		return false, nil
	}
	return t.isFile(path.Join(dir, "go.mod"))
}

// lstat is the type of an entry that exists, a link not followed.
func (t *tree) lstat(name string) (fs.FileMode, error) {
	entries, err := t.readDir(path.Dir(name))
	if err != nil {
		return 0, err
	}
	return entries[path.Base(name)].Type(), nil
}

// badName says whether a module could not hold a file of this name.
func badName(name string) bool {
	return module.CheckFilePath(name) != nil || slices.Contains([]string{".bzr", ".hg", ".git", ".svn"}, name)
}
