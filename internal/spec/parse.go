package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxDocument is the size of the largest document that is read, in bytes, also
// with its aliases written out.
const maxDocument = 1 << 20

var bom = []byte("\uFEFF")

// Parse reads and validates a spec. file is its name in messages. The error is
// Errors, all problems in the order of their positions; nothing of a document
// with an error is returned.
func Parse(file string, data []byte) (*Document, error) {
	p := newProblems(file, data[:min(len(data), maxDocument)])
	root := p.load(data)
	if root == nil {
		return nil, p.err()
	}
	d := &decoder{problems: p, positions: map[string]Position{}, keys: map[string]Position{}, broken: pathSet{}, elsewhere: keyPaths()}
	doc := &Document{File: file, Source: bytes.Clone(data), Positions: d.positions, keys: d.keys}
	d.value(root, "", reflect.ValueOf(&doc.Service).Elem(), field{})
	c := &checker{problems: p, at: doc.Position, keyAt: doc.keyPosition, has: d.has, known: d.broken}
	c.references(doc.Service)
	c.service(doc.Service)
	if err := p.err(); err != nil {
		return nil, err
	}
	return doc, nil
}

// load is the root node of the document, or nil after a problem that leaves
// nothing to decode.
func (p *problems) load(data []byte) *yaml.Node {
	data = bytes.TrimPrefix(data, bom)
	if !p.readable(data) {
		return nil
	}
	root, more, err := parseYAML(data)
	switch {
	case err != nil:
		p.syntaxError(data, err)
		return nil
	case more != nil:
		p.add(p.source.position(more.Line, more.Column), "", "several-documents", "",
			"a second YAML document starts here: one file is one service")
		return nil
	case root == nil:
		root = &yaml.Node{Kind: yaml.MappingNode, Line: 1, Column: 1}
	}
	m := &meter{problems: p, extents: map[*yaml.Node]extent{}}
	m.measure(root, 0)
	if m.stopped {
		return nil
	}
	return root
}

// readable refuses what no YAML parser should see: it keeps the line numbers of
// the library, which breaks lines as YAML 1.1 did, equal to everybody else's.
func (p *problems) readable(data []byte) bool {
	if len(data) > maxDocument {
		p.add(Position{}, "", "too-large", "", "the document has %d bytes; a spec has at most %d", len(data), maxDocument)
		return false
	}
	line := 1
	for i := 0; i < len(data); {
		r, width := utf8.DecodeRune(data[i:])
		why := ""
		switch {
		case r == utf8.RuneError && width <= 1:
			why = "the document is not UTF-8"
		case r == '\r' && !bytes.HasPrefix(data[i:], []byte("\r\n")):
			why = "a carriage return stands alone: end lines with LF or CRLF"
		case r == '\u0085' || r == '\u2028' || r == '\u2029':
			why = fmt.Sprintf("%U breaks lines for some YAML parsers only: write it as an escape in double quotes", r)
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0x7f, r > 0x7f && r < 0xa0, r == 0xfffe, r == 0xffff:
			why = fmt.Sprintf("the control character %U is not allowed in YAML", r)
		}
		if why != "" {
			start := bytes.LastIndexByte(data[:i], '\n') + 1
			p.add(Position{line, i - start + 1}, "", "encoding", "", "%s", why)
			return false
		}
		if r == '\n' {
			line++
		}
		i += width
	}
	return true
}

// parseYAML is the root of the first document, nil if it is empty, and that of a
// second one, if any.
func parseYAML(data []byte) (root, more *yaml.Node, err error) {
	// The library panics on states that it takes for impossible; hostile input
	// may know better.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the YAML parser gave up: %v", r)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	if err := decoder.Decode(&first); errors.Is(err, io.EOF) {
		return nil, nil, nil
	} else if err != nil {
		return nil, nil, err
	}
	if err := decoder.Decode(&second); err == nil {
		return first.Content[0], second.Content[0], nil
	} else if !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	return first.Content[0], nil, nil
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

// syntaxError records an error of the YAML library. Its own line is missing on
// line 1, and often that of the surrounding block; the line that matters is the
// first one with which the text cannot be read any more.
func (p *problems) syntaxError(data []byte, err error) {
	lines := bytes.SplitAfter(data, []byte("\n"))
	match := yamlLine.FindStringSubmatch(err.Error())
	line, _ := strconv.Atoi(match[1])
	if len(data) <= maxDocument/8 {
		line = 1 + sort.Search(len(lines)-1, func(i int) bool {
			_, _, e := parseYAML(bytes.Join(lines[:i+1], nil))
			return e != nil && e.Error() == err.Error()
		})
	}
	message := strings.TrimPrefix(err.Error(), match[0])
	hint := ""
	if strings.Contains(message, "cannot start any token") && bytes.Contains(lines[line-1], []byte("\t")) {
		hint = ": indent with spaces, not tabs"
	}
	p.add(p.source.firstColumn(line), "", "yaml-syntax", "", "the YAML cannot be read: %s%s", message, hint)
}
