package cli

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/plimsoll-build/plimsoll/internal/facts"
	"github.com/plimsoll-build/plimsoll/internal/spec"
)

// maxSpec is more than the parser takes, in bytes: it refuses the rest by itself.
const maxSpec = 2 << 20

// loaded is a spec as read and as resolved with the flags.
type loaded struct {
	doc     *spec.Document
	service spec.Service
	// file is the spec's path; empty where --main stood in for one.
	file string
}

// load reads the spec and applies the flags to it.
func load(f *sourceFlags) (loaded, []spec.Warning, error) {
	file, data, err := readSpec(f)
	if err != nil {
		return loaded{}, nil, err
	}
	name := file
	switch {
	case f.stdin:
		name = "stdin"
	case name == "":
		name = "default spec"
	}
	doc, err := spec.Parse(name, data)
	if err != nil {
		return loaded{}, nil, usageError{err}
	}
	args, err := f.args()
	if err != nil {
		return loaded{}, nil, err
	}
	labels, err := pairs("label", f.labels)
	if err != nil {
		return loaded{}, nil, err
	}
	service, warnings, err := doc.Resolve(spec.Overrides{Main: f.main, Args: args, Labels: labels})
	if err != nil {
		return loaded{}, nil, usageError{err}
	}
	return loaded{doc: doc, service: service, file: file}, warnings, nil
}

// readSpec is the spec's path and bytes. Where there is none, --main is enough: the
// smallest spec stands in, and no path is returned.
func readSpec(f *sourceFlags) (string, []byte, error) {
	file, exists := f.specFile()
	if !exists && f.file == "" && f.main != "" {
		if info, err := os.Stat(f.context); err != nil || !info.IsDir() {
			return "", nil, usagef("the build context %s is not a directory", f.context)
		}
		return "", []byte("apiVersion: " + spec.APIVersion + "\n"), nil
	}
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		kind := "no file"
		if info.IsDir() {
			kind = "a directory"
		}
		return "", nil, usagef("reading the spec: %s is %s", file, kind)
	}
	in, err := os.Open(file)
	switch {
	case errors.Is(err, os.ErrNotExist) && f.file == "":
		return "", nil, usagef("there is no %s: write one with plimsoll init, name it with -f, or name the main package with --main", file)
	case err != nil:
		return "", nil, usagef("reading the spec: %w", err)
	}
	defer in.Close()
	data, err := io.ReadAll(io.LimitReader(in, maxSpec))
	if err != nil {
		return "", nil, usagef("reading the spec: %w", err)
	}
	return file, data, nil
}

// located gives problems their place in the document.
func located(doc *spec.Document, err error) error {
	found, ok := errors.AsType[facts.Error](err)
	if !ok {
		return err
	}
	var all []error
	for _, n := range found {
		if n.Path == "" { // it is about a flag
			all = append(all, errors.New(n.Message))
			continue
		}
		all = append(all, doc.Problem(n.Path, n.Rule, n.Message))
	}
	return usageError{errors.Join(all...)}
}

// warning is one line for a note, with its place if it has one.
func warning(doc *spec.Document, n facts.Note) string {
	at := doc.Position(n.Path)
	if at.Line == 0 {
		return n.Message
	}
	return fmt.Sprintf("%s:%d: %s: %s", doc.File, at.Line, n.Path, n.Message)
}
