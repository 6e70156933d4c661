package local

import (
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/patternmatcher"
)

// scan walks a build context the way BuildKit's client does when it sends one.
type scan struct {
	fsys    fs.FS
	matcher *patternmatcher.PatternMatcher
	// hidden are the topmost paths that are not sent.
	hidden map[string]bool
	// links are the links that are sent.
	links map[string]bool
	// unscanned are directories that were not looked into.
	unscanned []string
}

// dir scans a directory; visible says whether anything in it is sent. An ignored
// directory is sent after all if a later "!" pattern brings back what it holds.
func (s *scan) dir(name string, parent patternmatcher.MatchInfo) (visible bool, err error) {
	entries, err := fs.ReadDir(s.fsys, name)
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		seen, err := s.entry(path.Join(name, e.Name()), e, parent)
		if err != nil {
			return false, err
		}
		visible = visible || seen
	}
	return visible, nil
}

func (s *scan) entry(name string, e fs.DirEntry, parent patternmatcher.MatchInfo) (visible bool, err error) {
	ignored, match, err := s.matcher.MatchesUsingParentResults(name, parent)
	if err != nil {
		return false, err
	}
	// No go command looks into .git, and it can be the largest part of a context.
	if e.IsDir() && !ignored && e.Name() == ".git" {
		s.unscanned = append(s.unscanned, name)
	} else if e.IsDir() && (!ignored || s.matcher.Exclusions()) {
		inside, err := s.dir(name, match)
		if err != nil {
			return false, err
		}
		ignored = ignored && !inside
	}
	if ignored {
		s.hidden[name] = true
	} else if e.Type() == fs.ModeSymlink {
		s.links[name] = true
	}
	return !ignored, nil
}

// misses is what the go command and the compiler say of something that is not there, and embeds of
// what may be any file.
var (
	misses = regexp.MustCompile(`undefined|no required module provides|is not in std|no Go files in|exclude all Go files|does not contain package|cannot find (package|module)|missing go.sum entry|go.mod file not found|missing function body|is undeclared in the main package|no such file`)
	embeds = regexp.MustCompile(`no matching files found|contains no embeddable files`)
)

// Bounds on what is said of hidden files: names, and how many files of a hidden directory are looked at.
const (
	mostHidden = 5
	mostLooks  = 1000
)

// hides adds to an error of something that is not there what the ignore file hides of what go reads:
// the go command does not know of it.
func (c *Context) hides(err error) error {
	missed, embedded := misses.MatchString(err.Error()), embeds.MatchString(err.Error())
	if c.ignore == "" || !missed && !embedded {
		return err
	}
	var names []string
	for name := range c.files.hidden {
		if strings.HasPrefix(path.Base(name), ".") || c.files.hidden[path.Dir(name)] {
			continue
		}
		if embedded || c.holdsGo(name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return err
	}
	slices.Sort(names)
	more := ""
	if n := len(names) - mostHidden; n > 0 {
		names, more = names[:mostHidden], fmt.Sprintf(" and %d more", n)
	}
	return fmt.Errorf("%w\n(%s hides from the build: %s%s)", err, filepath.Base(c.ignore), strings.Join(names, ", "), more)
}

// holdsGo reports whether a hidden file, or one of a hidden directory, is a source or says which modules
// there are.
func (c *Context) holdsGo(hidden string) (found bool) {
	looks := 0
	_ = fs.WalkDir(c.files.base, hidden, func(name string, d fs.DirEntry, err error) error {
		if looks++; err != nil || looks > mostLooks {
			return fs.SkipAll
		}
		base := path.Base(name)
		source := slices.Contains([]string{".go", ".s"}, path.Ext(base)) && !strings.HasSuffix(base, "_test.go")
		if found = !d.IsDir() && (source || slices.Contains([]string{"go.mod", "go.sum", "go.work"}, base)); found {
			return fs.SkipAll
		}
		return nil
	})
	return found
}
