package layer

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/compression"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// Store keeps compressed layers as files of a directory: layers are read from
// there when an image is written, and a layer that is known to be there is not compressed
// again. Several processes may share it.
type Store struct {
	// Dir is made when it is needed. Stores of several compressions may share it.
	Dir string
	// Compression is that of the layers it makes: gzip, which everything reads and which an empty
	// one is, or zstd, with which a layer is smaller, and quicker both to make and to unpack.
	Compression compression.Compression
	// Follow, if it is set, reads each layer that is made from the disk, compressed, while it is
	// made. It returns when it has what it wants.
	Follow func(ctx context.Context, compressed io.Reader)
}

// Build makes a layer of the plan. Times are epoch, in seconds UTC. The content is read once,
// or, with files of the build context, twice if the store has not got the layer; never is it
// held in memory here.
func (s Store) Build(ctx context.Context, l plan.Layer, epoch int64, src Sources) (v1.Layer, error) {
	layer, err := s.build(ctx, l, epoch, src)
	if err != nil {
		return nil, fmt.Errorf("making layer %s: %w", l.Name, err)
	}
	return layer, nil
}

func (s Store) build(ctx context.Context, l plan.Layer, epoch int64, src Sources) (v1.Layer, error) {
	recipe := recipeOf(l, epoch, src)
	if b, ok := s.made(recipe); ok {
		return partial.CompressedToLayer(b)
	}
	entries, err := expand(l, src)
	if err != nil {
		return nil, err
	}
	if recipe == "" && !linked(l, src) { // whether the store has it is known only when it has been read
		diff := sha256.New()
		if err := writeTar(ctx, diff, entries, epoch); err != nil {
			return nil, err
		}
		if b, err := s.lookup(sum(diff)); err == nil {
			return partial.CompressedToLayer(b)
		}
	}
	b, err := s.add(ctx, entries, epoch)
	if err != nil {
		return nil, err
	}
	s.note(cmp.Or(recipe, recipeOf(l, epoch, src)), b.DiffHash)
	return partial.CompressedToLayer(b)
}

// add compresses a layer into the store. The blob is complete before its name
// exists, and its record names it: a reader finds both or neither.
func (s Store) add(ctx context.Context, entries []entry, epoch int64) (*blob, error) {
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the layer store: %w", err)
	}
	f, err := os.CreateTemp(s.Dir, "tmp-")
	if err != nil {
		return nil, fmt.Errorf("making a file in the layer store: %w", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()

	diff, compressed := sha256.New(), sha256.New()
	size := &counter{}
	err = followed(ctx, f, s.Follow, func(file io.Writer) error {
		zw, err := compressor(s.Compression, io.MultiWriter(file, compressed, size))
		if err != nil {
			return err
		}
		return errors.Join(writeTar(ctx, io.MultiWriter(zw, diff), entries, epoch), zw.Close())
	})
	if err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	b := &blob{DiffHash: sum(diff), BlobHash: sum(compressed), Length: size.n, as: s.Compression}
	return b, s.keep(f, b)
}

// keep gives a complete blob its name and writes its record.
func (s Store) keep(f *os.File, b *blob) error {
	b.file = filepath.Join(s.Dir, b.BlobHash.Hex)
	if err := f.Close(); err != nil {
		return fmt.Errorf("writing to the layer store: %w", err)
	}
	if err := os.Rename(f.Name(), b.file); err != nil {
		return fmt.Errorf("writing to the layer store: %w", err)
	}
	record, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("encoding a record of the layer store: %w", err)
	}
	tmp := f.Name() + ".json"
	defer os.Remove(tmp)
	if err := os.WriteFile(tmp, record, 0o644); err != nil {
		return fmt.Errorf("writing to the layer store: %w", err)
	}
	return os.Rename(tmp, s.record(b.DiffHash))
}

// lookup finds a layer by its uncompressed digest. Whatever is wrong with a
// record or its blob is an error, which a caller mends by add.
func (s Store) lookup(diffID v1.Hash) (*blob, error) {
	data, err := os.ReadFile(s.record(diffID))
	if err != nil {
		return nil, err
	}
	b := &blob{as: s.Compression}
	if err := json.Unmarshal(data, b); err != nil {
		return nil, err
	}
	b.file = filepath.Join(s.Dir, b.BlobHash.Hex)
	f, err := os.Open(b.file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	compressed := sha256.New()
	if _, err := io.Copy(compressed, f); err != nil {
		return nil, err
	}
	if b.DiffHash != diffID || sum(compressed) != b.BlobHash {
		return nil, fmt.Errorf("the layer store's blob of %s is damaged", diffID)
	}
	now := time.Now()
	for _, file := range []string{b.file, s.record(diffID)} { // what prunes the store goes by the last use
		_ = os.Chtimes(file, now, now)
	}
	return b, nil
}

func (s Store) record(diffID v1.Hash) string {
	return filepath.Join(s.Dir, recordName(s.Compression, diffID.Hex))
}

func sum(h hash.Hash) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h.Sum(nil))}
}

// counter counts what is written to it.
type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}
