package layer

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// TestFollow is of a reader beside the writer of a layer: it gets the blob's bytes, all of them
// or an error, and may have enough before the end.
func TestFollow(t *testing.T) {
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<18)
	layer := plan.Layer{Name: "files", Files: []plan.File{{Path: "/big", Source: plan.Source{Inline: big}}}}
	var got []byte
	var end error
	store := Store{Dir: t.TempDir(), Follow: func(_ context.Context, r io.Reader) { got, end = io.ReadAll(r) }}
	built, err := store.Build(t.Context(), layer, 0, sources(t))
	if err != nil {
		t.Fatal(err)
	}
	rc, err := built.Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	if want, err := io.ReadAll(rc); err != nil || end != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v; want %d, %v", len(got), end, len(want), err)
	}

	got = nil
	if _, err := store.Build(t.Context(), layer, 0, sources(t)); err != nil || got != nil {
		t.Errorf("a layer that is there already: %v, %d bytes read", err, len(got))
	}

	end = io.ErrNoProgress
	store = Store{Dir: t.TempDir(), Follow: func(_ context.Context, r io.Reader) { _, end = io.CopyN(io.Discard, r, 1) }}
	if _, err := store.Build(t.Context(), layer, 0, sources(t)); err != nil || end != nil {
		t.Errorf("a reader that had enough: %v, %v", err, end)
	}

	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	full := errors.New("no space left")
	err = followed(t.Context(), f, func(_ context.Context, r io.Reader) { got, end = io.ReadAll(r) }, func(w io.Writer) error {
		_, err := w.Write(big)
		return cmp.Or(err, full)
	})
	if !errors.Is(err, full) || !errors.Is(end, full) {
		t.Errorf("a writer that failed: %v, and its reader: %v", err, end)
	}
}
