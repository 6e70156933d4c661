package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// ignoreName is the ignore file at the root of a build context. One that is named
// after the spec file, with this as its suffix, comes before it.
const ignoreName = ".dockerignore"

// Context is a build context after its ignore file: what BuildKit would be sent.
type Context struct {
	// Dir is its absolute path with links resolved.
	Dir string

	root  *os.Root
	files *contextFS
	// ignore is the ignore file's path; empty where there is none.
	ignore string
	// cut are the links, relative to Dir, that lead to something hidden or outside.
	cut []string
}

// OpenContext opens the build context at dir. The ignore file is the one beside
// specFile with its name and ".dockerignore", else .dockerignore in dir. The
// content of dir must not change until Close.
func OpenContext(dir, specFile string) (_ *Context, err error) {
	real, err := realDir(dir)
	if err != nil {
		return nil, fmt.Errorf("opening build context %s: %w", dir, err)
	}
	ignore, matcher, err := readIgnore(specFile, real)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(real)
	if err != nil {
		return nil, fmt.Errorf("opening build context %s: %w", dir, err)
	}
	defer func() {
		if err != nil {
			root.Close()
		}
	}()
	s := scan{fsys: root.FS(), matcher: matcher, hidden: map[string]bool{}, links: map[string]bool{}}
	if _, err := s.dir(".", patternmatcher.MatchInfo{}); err != nil {
		return nil, fmt.Errorf("reading build context %s: %w", dir, err)
	}
	c := &Context{Dir: real, root: root, ignore: ignore, files: &contextFS{base: root.FS().(baseFS), hidden: s.hidden, links: s.links, unscanned: s.unscanned}}
	c.cut = c.files.cut()
	return c, nil
}

func realDir(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(real)
	if err == nil && !info.IsDir() {
		err = errors.New("it is not a directory")
	}
	return real, err
}

// readIgnore is the ignore file that applies, if any, and its matcher.
func readIgnore(specFile, dir string) (string, *patternmatcher.PatternMatcher, error) {
	candidates := []string{filepath.Join(dir, ignoreName)}
	if specFile != "" {
		candidates = append([]string{specFile + ignoreName}, candidates...)
	}
	for _, file := range candidates {
		patterns, err := readPatterns(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", nil, fmt.Errorf("reading ignore file %s: %w", file, err)
		}
		matcher, err := patternmatcher.New(patterns)
		if err != nil {
			return "", nil, fmt.Errorf("reading ignore file %s: %w", file, err)
		}
		return file, matcher, nil
	}
	matcher, err := patternmatcher.New(nil)
	return "", matcher, err
}

func readPatterns(file string) ([]string, error) {
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("it is no file (%s)", info.Mode().Type())
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ignorefile.ReadAll(f)
}

// FS is the content of the build context. It follows links that stay inside, and
// implements fs.ReadLinkFS.
func (c *Context) FS() fs.FS { return c.files }

// Close releases the directory.
func (c *Context) Close() error { return c.root.Close() }
