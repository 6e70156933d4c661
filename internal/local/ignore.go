package local

import (
	"io/fs"
	"path"

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
