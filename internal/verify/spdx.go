package verify

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// statement reads one in-toto statement that holds an SPDX 2.3 document, value by value, so
// that a large one costs no more memory than its names do.
type statement struct {
	sbom          *sbom
	dec           *json.Decoder
	predicateType string
	subjects      []string // the sha256 of each, in hex
}

// fields are the readers of an object's values, by key; what has none is skipped.
type fields map[string]func() error

func (d *statement) whole() error {
	err := d.object(fields{
		"predicateType": func() error { return d.text(&d.predicateType) },
		"subject":       func() error { return d.array(d.subject) },
		"predicate":     func() error { return d.object(fields{"packages": func() error { return d.array(d.pkg) }}) },
	})
	if err != nil {
		return err
	}
	if _, err := d.dec.Token(); !errors.Is(err, io.EOF) {
		return errors.Join(errors.New("something follows the statement"), err)
	}
	return nil
}

func (d *statement) subject() error {
	var sha256 string
	err := d.object(fields{"digest": func() error {
		return d.object(fields{"sha256": func() error { return d.text(&sha256) }})
	}})
	if len(d.subjects) >= maxImages {
		return fmt.Errorf("more than %d subjects: %w", maxImages, ErrLimit)
	}
	d.subjects = append(d.subjects, sha256)
	return err
}

// pkg is one package: its name and version, and its purl if it is a Go module.
func (d *statement) pkg() error {
	var name, version string
	err := d.object(fields{
		"name":         func() error { return d.text(&name) },
		"versionInfo":  func() error { return d.text(&version) },
		"externalRefs": func() error { return d.array(d.reference) },
	})
	if err != nil {
		return err
	}
	return d.sbom.add(name+"@"+version, false)
}

func (d *statement) reference() error {
	var kind, locator string
	err := d.object(fields{
		"referenceType":    func() error { return d.text(&kind) },
		"referenceLocator": func() error { return d.text(&locator) },
	})
	if module, ok := goModule(kind, locator); err == nil && ok {
		return d.sbom.add(module, true)
	}
	return err
}

// add keeps a name as path@version.
func (s *sbom) add(name string, module bool) error {
	if len(name) > maxName {
		return fmt.Errorf("a name of %d bytes: %w", len(name), ErrLimit)
	}
	s.named[name] = true
	if module {
		s.modules[name] = true
	}
	if len(s.named) > maxNames {
		return fmt.Errorf("more than %d packages: %w", maxNames, ErrLimit)
	}
	return nil
}

// maxName bounds one name in bytes; module paths and versions are far shorter.
const maxName = 1 << 10

// goModule is the module of a purl, as path@version. The standard library counts as none:
// build info does not list it.
func goModule(kind, locator string) (string, bool) {
	locator, ok := strings.CutPrefix(locator, "pkg:golang/")
	if kind != "purl" || !ok {
		return "", false
	}
	locator, _, _ = strings.Cut(locator, "?")
	locator, _, _ = strings.Cut(locator, "#")
	module, err := url.PathUnescape(locator)
	if err != nil || strings.HasPrefix(module, "stdlib@") || strings.HasPrefix(module, "std@") {
		return "", false
	}
	return module, true
}

// object reads an object; null counts as an empty one. A key that stands there twice could
// be read in two ways, and is refused where it matters.
func (d *statement) object(known fields) error {
	empty, err := d.open('{')
	if err != nil || empty {
		return err
	}
	seen := map[string]bool{}
	for d.dec.More() {
		token, err := d.dec.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		read := known[key]
		if seen[key] {
			return fmt.Errorf("%q stands there twice", key)
		}
		if read == nil {
			read = d.skip
		} else {
			seen[key] = true
		}
		if err := read(); err != nil {
			return err
		}
	}
	_, err = d.dec.Token()
	return err
}

// array reads an array by its elements; null counts as an empty one.
func (d *statement) array(element func() error) error {
	empty, err := d.open('[')
	if err != nil || empty {
		return err
	}
	for d.dec.More() {
		if err := element(); err != nil {
			return err
		}
	}
	_, err = d.dec.Token()
	return err
}

// open reads the bracket that begins a value; null is empty.
func (d *statement) open(want json.Delim) (empty bool, err error) {
	token, err := d.dec.Token()
	if err != nil || token == nil {
		return true, err
	}
	if token != want {
		return true, fmt.Errorf("%.40v where %v is due", token, want)
	}
	return false, nil
}

// text reads a string, or null.
func (d *statement) text(to *string) error {
	token, err := d.dec.Token()
	if err != nil || token == nil {
		return err
	}
	s, ok := token.(string)
	if !ok {
		return fmt.Errorf("%.40v where a string is due", token)
	}
	*to = s
	return nil
}

// skip passes over one value.
func (d *statement) skip() error {
	const maxNested = 1000
	for depth := 0; ; {
		token, err := d.dec.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth > maxNested {
			return fmt.Errorf("nested more than %d deep: %w", maxNested, ErrLimit)
		}
		if depth == 0 {
			return nil
		}
	}
}
