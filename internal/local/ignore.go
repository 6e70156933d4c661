package local

import (
	"fmt"
	"io/fs"
	"maps"
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

// misses is what the go command says of something that is not there.
var misses = regexp.MustCompile(`undefined: |no required module provides|is not in std|no Go files in|no matching files found|does not contain package|cannot find (package|module)|no such file`)

// mostHidden bounds the names of an error.
const mostHidden = 5

// explain adds to an error of something that is not there what the ignore file hides: the go command
// does not know of it.
func (c *Context) explain(err error) error {
	if err == nil || c.ignore == "" || len(c.files.hidden) == 0 || !misses.MatchString(err.Error()) {
		return err
	}
	names := slices.Sorted(maps.Keys(c.files.hidden))
	more := ""
	if n := len(names) - mostHidden; n > 0 {
		names, more = names[:mostHidden], fmt.Sprintf(" and %d more", n)
	}
	return fmt.Errorf("%w\n(%s hides from the build: %s%s)", err, filepath.Base(c.ignore), strings.Join(names, ", "), more)
}
