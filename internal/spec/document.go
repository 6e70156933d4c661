package spec

import (
	"fmt"
	"strings"
)

// Position is a place in a document; both count from 1, columns in bytes.
type Position struct{ Line, Column int }

// Document is a parsed spec and where its parts stand.
type Document struct {
	// Service is what the document says.
	Service Service
	// File is the document's name in messages.
	File string
	// Source is the document's bytes.
	Source []byte
	// Positions maps key paths ("image.files[0].to") to the position of their values.
	Positions map[string]Position
	// keys maps key paths to the position of their keys.
	keys map[string]Position
}

// Position is where the value of the key path stands, or of the nearest parent
// that the document holds; the zero Position if there is none.
func (d *Document) Position(keyPath string) Position {
	for keyPath != "" {
		if p, ok := d.Positions[keyPath]; ok {
			return p
		}
		keyPath = keyPath[:max(strings.LastIndexAny(keyPath, ".["), 0)]
	}
	return Position{}
}

// keyPosition is where the key of the path stands, else what Position says.
func (d *Document) keyPosition(keyPath string) Position {
	if p, ok := d.keys[keyPath]; ok {
		return p
	}
	return d.Position(keyPath)
}

// Error is one problem of a spec.
type Error struct {
	// File names the document.
	File string
	// Position is where the problem stands; its zero value is nowhere.
	Position Position
	// Path is the key path, such as "runtime.memory.max".
	Path string
	// Rule is the stable name of what was broken, such as "unknown-key".
	Rule string
	// Message says what is wrong and what to do, in lower case.
	Message string
	// Suggestion is the nearest valid key or value, or empty.
	Suggestion string
	// Excerpt is the lines around the position, with the line marked.
	Excerpt string
}

// Error is one line, "file:line:column: path: message", and the excerpt.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Position.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Position.Line, e.Position.Column)
	}
	if e.Path != "" {
		b.WriteString(": " + e.Path)
	}
	b.WriteString(": " + e.Message)
	if e.Suggestion != "" {
		fmt.Fprintf(&b, " (did you mean %q?)", e.Suggestion)
	}
	if e.Excerpt != "" {
		b.WriteString("\n" + e.Excerpt)
	}
	return b.String()
}

// Errors are all problems of a spec, in the order of their positions.
type Errors []*Error

// Error is every problem, one after the other.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}
