package policy

import (
	"bytes"
	"errors"
	"fmt"
	"go/version"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/plimsoll-build/plimsoll/internal/excerpt"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

// maxDocument is the largest policy, in bytes.
const maxDocument = 1 << 20

// Keys are the keys of a policy, in the order of the docs.
func Keys() []string {
	return []string{"require", "ignore", "strict", "bases", "go", "users", "labels", "maxSize"}
}

// Parse reads a policy. The error is all problems, each with file, line and the line's
// text; an unknown key is one, because a misspelt demand must not pass.
func Parse(file string, data []byte) (*Policy, error) {
	p := &parser{policy: &Policy{File: file, Labels: map[string]Entry{}}, text: data}
	root, err := document(file, data)
	if err != nil {
		return nil, err
	}
	if root != nil {
		p.mapping(root)
	}
	if err := errors.Join(p.problems...); err != nil {
		return nil, err
	}
	return p.policy, nil
}

// document is the root node; nil for an empty file.
func document(file string, data []byte) (_ *yaml.Node, err error) {
	if len(data) > maxDocument || !utf8.Valid(data) {
		return nil, fmt.Errorf("%s: a policy is UTF-8 and at most %d bytes", file, maxDocument)
	}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%s: the YAML parser gave up: %v", file, v)
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, excerpt.YAML(file, data, err)
	}
	switch err := dec.Decode(&more); {
	case err == nil:
		return nil, excerpt.Error(file, data, more.Line, "one file is one policy: a second YAML document begins here")
	case !errors.Is(err, io.EOF):
		return nil, excerpt.YAML(file, data, err)
	}
	return doc.Content[0], nil
}

type parser struct {
	policy   *Policy
	text     []byte
	problems []error
}

// fail records a problem at a node, with the text of its line.
func (p *parser) fail(n *yaml.Node, format string, args ...any) {
	p.problems = append(p.problems, fmt.Errorf("%s:%d:%d: %s%s", p.policy.File, n.Line, n.Column, fmt.Sprintf(format, args...), excerpt.Line(p.text, n.Line)))
}

func (p *parser) mapping(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		p.fail(n, "a policy is a mapping with the keys %s", strings.Join(Keys(), ", "))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if seen[key.Value] {
			p.fail(key, "the key %.60q stands here again", key.Value)
			continue
		}
		seen[key.Value] = true
		p.key(key, value)
	}
}

func (p *parser) key(key, value *yaml.Node) {
	switch key.Value {
	case "require":
		p.policy.Require = words(p.list(value))
	case "ignore":
		p.policy.Ignore = words(p.list(value))
	case "strict":
		if value.Kind != yaml.ScalarNode || (value.Value != "true" && value.Value != "false") {
			p.fail(value, "strict is true or false")
		}
		p.policy.Strict = value.Value == "true"
	case "bases":
		p.policy.Bases = p.list(value)
	case "users":
		p.policy.Users = p.list(value)
	case "labels":
		p.labels(value)
	case "go":
		if p.policy.Go = p.scalar(value); !version.IsValid("go" + p.policy.Go.Value) {
			p.fail(value, `go is the least release, such as "1.26"`)
		}
	case "maxSize":
		p.size(value)
	default:
		p.fail(key, "there is no key %.60q; the keys are %s%s", key.Value, strings.Join(Keys(), ", "), suggestion(key.Value))
	}
}

func (p *parser) size(n *yaml.Node) {
	p.policy.sizeAt = p.scalar(n)
	size, err := tuning.ParseSize(p.policy.sizeAt.Value)
	if err == nil && size == 0 {
		err = errors.New("a size of 0 allows no image")
	}
	if err != nil {
		p.fail(n, "maxSize: %v", err)
	}
	p.policy.MaxSize = size
}

func (p *parser) labels(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		p.fail(n, "labels is a mapping of keys to values")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if _, twice := p.policy.Labels[key.Value]; twice || key.Kind != yaml.ScalarNode || key.Value == "" {
			p.fail(key, "a label's key is a word, and stands here once")
			continue
		}
		p.policy.Labels[key.Value] = p.scalar(n.Content[i+1])
	}
}

func (p *parser) list(n *yaml.Node) []Entry {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		p.fail(n, "this is a list of at least one: [a, b]")
		return nil
	}
	var all []Entry
	for _, item := range n.Content {
		all = append(all, p.scalar(item))
	}
	return all
}

func (p *parser) scalar(n *yaml.Node) Entry {
	if n.Kind != yaml.ScalarNode || n.Value == "" || n.Tag == "!!null" {
		p.fail(n, "this is a single value, and not empty")
		return Entry{Line: n.Line}
	}
	return Entry{n.Value, n.Line}
}

func words(entries []Entry) []string {
	var all []string
	for _, e := range entries {
		all = append(all, e.Value)
	}
	return all
}

// suggestion is the key that shares its beginning or its letters with a word.
func suggestion(word string) string {
	letters := func(s string) string {
		r := []rune(strings.ToLower(s))
		slices.Sort(r)
		return string(r)
	}
	for _, key := range Keys() {
		same := strings.EqualFold(key, word) || letters(key) == letters(word)
		if same || (len(word) >= 2 && (strings.HasPrefix(key, word) || strings.HasPrefix(word, key))) {
			return fmt.Sprintf(" (did you mean %q?)", key)
		}
	}
	return ""
}
