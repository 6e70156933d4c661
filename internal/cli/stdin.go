package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// stdinFile is the spec file that is the standard input, as with docker buildx.
const stdinFile = "-"

// fromStdin keeps a spec of the standard input in a file of its own, which clean removes:
// that is where both engines read specs.
func (f *sourceFlags) fromStdin(ctx context.Context, in io.Reader) (clean func(), err error) {
	clean = func() {}
	if f.file != stdinFile {
		return clean, nil
	}
	if isRemote(f.context) {
		return clean, usagef("-f - needs a local build context: the spec of %s is in it", f.context)
	}
	data, err := readAll(ctx, in)
	if err != nil {
		return clean, usagef("reading the spec from the standard input: %w", err)
	}
	dir, err := os.MkdirTemp("", "plimsoll-spec-")
	if err != nil {
		return clean, fmt.Errorf("making a directory for the spec: %w", err)
	}
	clean = func() { _ = os.RemoveAll(dir) }
	f.file, f.stdin = filepath.Join(dir, "plimsoll.yaml"), true
	if err := os.WriteFile(f.file, data, 0o600); err != nil {
		clean()
		return func() {}, fmt.Errorf("keeping the spec: %w", err)
	}
	return clean, nil
}

// readAll reads to the end or until ctx ends: somebody may be at the keyboard.
func readAll(ctx context.Context, in io.Reader) ([]byte, error) {
	type read struct {
		data []byte
		err  error
	}
	done := make(chan read, 1)
	go func() {
		data, err := io.ReadAll(io.LimitReader(in, maxSpec))
		done <- read{data, err}
	}()
	select {
	case r := <-done:
		return r.data, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
