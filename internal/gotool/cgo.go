package gotool

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// CgoError is a build that needs cgo, which static binaries do without.
type CgoError struct {
	// Chain are the import paths from the main package to the one that has only
	// cgo files.
	Chain []string
	// Err is the go command's own error.
	Err *Error
}

// Error names the chain and says what to do.
func (e *CgoError) Error() string {
	return fmt.Sprintf("package %s needs cgo, and static binaries are built without it (%s): keep the Dockerfile for this service",
		e.Chain[len(e.Chain)-1], strings.Join(e.Chain, " imports "))
}

// Unwrap gives the go command's error.
func (e *CgoError) Unwrap() error { return e.Err }

// excluded is a package none of whose files are left, at the end of its chain.
var excluded = regexp.MustCompile(`(?m)^package (\S+?)((?:\n\timports \S+(?: from \S+)?)*): build constraints exclude all Go files in `)

// cgoOnly is the CgoError behind a failed build, or nil if it failed for another
// reason: build constraints may exclude all files without cgo's doing.
func (t Tool) cgoOnly(ctx context.Context, c Command, failed *Error) *CgoError {
	m := excluded.FindStringSubmatch(failed.Output)
	if m == nil {
		return nil
	}
	chain := []string{m[1]}
	for line := range strings.SplitSeq(strings.TrimPrefix(m[2], "\n"), "\n") {
		if fields := strings.Fields(line); len(fields) > 1 {
			chain = append(chain, fields[1])
		}
	}
	if !t.hasCgoFiles(ctx, c, chain[len(chain)-1]) {
		return nil
	}
	return &CgoError{Chain: chain, Err: failed}
}

// hasCgoFiles asks what the package would be with cgo. Nothing is compiled.
func (t Tool) hasCgoFiles(ctx context.Context, c Command, pkg string) bool {
	argv := []string{"go", "list", "-e", "-find", "-f", "{{len .CgoFiles}}"}
	for _, arg := range c.Argv {
		if flag, _, _ := strings.Cut(arg, "="); slices.Contains([]string{"-mod", "-tags", "-overlay"}, flag) {
			argv = append(argv, arg)
		}
	}
	c.Argv = append(argv, "--", pkg)
	c.Env = append(slices.Clone(c.Env), "CGO_ENABLED=1")
	out, err := run(ctx, t.bin(), c)
	return err == nil && strings.TrimSpace(string(out)) != "0"
}
