package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// problems collects what is wrong with a document.
type problems struct {
	file   string
	source source
	list   Errors
	seen   map[string]bool
}

func newProblems(file string, data []byte) *problems {
	return &problems{file: file, source: newSource(data), seen: map[string]bool{}}
}

// add records a problem. The same one at the same place, which an alias can
// reach along several paths, is recorded once.
func (p *problems) add(at Position, path, rule, suggestion, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	id := fmt.Sprint(at, rule, message)
	if at.Line > 0 && p.seen[id] {
		return
	}
	p.seen[id] = true
	p.list = append(p.list, &Error{
		File: p.file, Position: at, Path: path, Rule: rule,
		Message: message, Suggestion: suggestion, Excerpt: p.source.excerpt(at),
	})
}

// err is all problems in the order of their positions, or nil.
func (p *problems) err() error {
	if len(p.list) == 0 {
		return nil
	}
	slices.SortStableFunc(p.list, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Position.Line, b.Position.Line),
			cmp.Compare(a.Position.Column, b.Position.Column), strings.Compare(a.Path, b.Path))
	})
	return p.list
}
