package solve

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// ErrNoSyntax says that nothing names the frontend image.
var ErrNoSyntax = errors.New(`no frontend: the first line has to be "# syntax=REF", or --frontend has to name the image`)

// frontendRef is the reference of the frontend image and the whole syntax line,
// which may carry arguments after the reference.
func frontendRef(r Request) (ref, cmdline string, err error) {
	cmdline = r.Frontend
	if cmdline == "" {
		cmdline, err = syntaxLine(r)
	}
	if err != nil {
		return "", "", err
	}
	ref, _, _ = strings.Cut(cmdline, " ")
	return ref, cmdline, nil
}

func syntaxLine(r Request) (string, error) {
	if isURL(r.Context) && !filepath.IsAbs(r.Spec) {
		return "", fmt.Errorf("reading %s of %s: %w", r.Spec, r.Context, ErrNoSyntax)
	}
	source, err := os.ReadFile(r.Spec)
	if err != nil {
		return "", fmt.Errorf("reading the syntax line: %w", err)
	}
	_, cmdline, _, ok := parser.DetectSyntax(source)
	if !ok {
		return "", fmt.Errorf("reading %s: %w", r.Spec, ErrNoSyntax)
	}
	return cmdline, nil
}
