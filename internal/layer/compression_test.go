package layer

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/compression"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// TestCompressions is of stores that share a directory: the same tar, each in its own blob, which
// is found again.
func TestCompressions(t *testing.T) {
	dir, src := t.TempDir(), sources(t)
	l := plan.Layer{Name: "files", Files: []plan.File{{Path: "/conf.yaml", Source: plan.Source{Context: "conf.yaml"}}}}
	diffIDs, blobs := map[v1.Hash]bool{}, map[v1.Hash]os.FileInfo{}
	for range 2 {
		for c, want := range map[compression.Compression]types.MediaType{
			"": types.OCILayer, compression.GZip: types.OCILayer, compression.ZStd: types.OCILayerZStd,
		} {
			store := Store{Dir: dir, Compression: c}
			built, err := store.Build(t.Context(), l, 0, src)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := built.MediaType(); err != nil || got != want {
				t.Errorf("%q: media type %s, %v; want %s", c, got, err, want)
			}
			digest, diffID := digestOf(t, store, l, src), must(t, built.DiffID)
			blob := stat(t, filepath.Join(dir, digest.Hex))
			if was := blobs[digest]; was != nil && !os.SameFile(was, blob) {
				t.Errorf("%q: made again", c)
			}
			diffIDs[diffID], blobs[digest] = true, blob
		}
	}
	if len(diffIDs) != 1 || len(blobs) != 2 {
		t.Errorf("DiffIDs %v, blobs %v", diffIDs, blobs)
	}
	if _, err := (Store{Dir: dir, Compression: compression.None}).Build(t.Context(), l, 0, src); err == nil {
		t.Error("an unknown compression was taken")
	}
}

// digestOf builds a layer, whose bytes have to be what it says (validate.Layer knows gzip alone).
func digestOf(t *testing.T, store Store, l plan.Layer, src Sources) v1.Hash {
	t.Helper()
	built, err := store.Build(t.Context(), l, 0, src)
	if err != nil {
		t.Fatal(err)
	}
	for _, side := range []struct {
		open func() (io.ReadCloser, error)
		hash func() (v1.Hash, error)
	}{{built.Compressed, built.Digest}, {built.Uncompressed, built.DiffID}} {
		r := must(t, side.open)
		defer r.Close()
		if got, _, err := v1.SHA256(r); err != nil || got != must(t, side.hash) {
			t.Fatalf("the bytes are %s, %v; not %s", got, err, must(t, side.hash))
		}
	}
	return must(t, built.Digest)
}

func must[T any](t *testing.T, f func() (T, error)) T {
	t.Helper()
	v, err := f()
	if err != nil {
		t.Fatal(err)
	}
	return v
}
