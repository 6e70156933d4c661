package verify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/readahead"
)

// ErrLimit means that an image asks for more work than is given to one.
var ErrLimit = errors.New("the image exceeds the limits of an inspection")

// layer is what one blob really is.
type layer struct {
	desc   *v1.Descriptor // the manifest's; nil if the form has none
	digest v1.Hash        // of the stored bytes
	size   int64          // stored bytes, read at most one beyond the descriptor's
	diffID v1.Hash        // of the uncompressed bytes
	err    error          // why the content could not be read to its end
}

// budget is what is left for an image of its limits.
type budget struct {
	limits  Limits
	bytes   int64
	entries int
}

func (l Limits) budget() *budget { return &budget{l, l.Uncompressed, l.Entries} }

// readLayer streams a blob once: hashes it as stored and as uncompressed, and
// hands the uncompressed tar to visit. What is wrong with the content is in the
// layer; an error is one of the storage, of ctx, or ErrLimit.
func readLayer(ctx context.Context, b blob, left *budget, visit func(io.Reader) error) (layer, error) {
	rc, err := b.open()
	if err != nil {
		return layer{}, err
	}
	defer rc.Close()
	l := layer{desc: b.desc}
	raw := newMeter(ctx, rc)
	if b.desc != nil {
		raw.r = io.LimitReader(rc, b.desc.Size+1)
	}
	l.diffID, l.err = readContent(raw, left, visit)
	if errors.Is(l.err, ErrLimit) {
		return l, l.err
	}
	// The rest is for the stored digest alone: what follows the compressed stream.
	if _, err := io.Copy(io.Discard, raw); err != nil && raw.err == nil {
		return l, err
	}
	if raw.err != nil {
		return l, raw.err
	}
	l.digest, l.size = raw.sum(), raw.n
	return l, nil
}

// What is unpacked before it is looked at, on another core.
const (
	aheadBlocks = 4
	aheadBlock  = 256 << 10
)

// readContent reads the uncompressed side to its end.
func readContent(raw *meter, left *budget, visit func(io.Reader) error) (v1.Hash, error) {
	z, err := decompress(raw)
	if err != nil {
		return v1.Hash{}, err
	}
	defer z.Close()
	ahead, err := readahead.NewReaderSize(&budgetReader{&ratioReader{r: z, stored: raw}, left}, aheadBlocks, aheadBlock)
	if err != nil {
		return v1.Hash{}, err
	}
	defer ahead.Close()
	plain := newMeter(raw.ctx, ahead)
	visitErr := visit(plain)
	if errors.Is(visitErr, ErrLimit) {
		return v1.Hash{}, visitErr
	}
	// A tar ends before its stream does: the DiffID is of the whole stream.
	if _, err := io.Copy(io.Discard, plain); err != nil {
		return v1.Hash{}, err
	}
	return plain.sum(), visitErr
}

// meter hashes and counts what is read, and ends with its context.
type meter struct {
	ctx  context.Context
	r    io.Reader
	hash hash.Hash
	n    int64
	err  error // the first error of r that is not its end
}

func newMeter(ctx context.Context, r io.Reader) *meter {
	return &meter{ctx: ctx, r: r, hash: sha256.New()}
}

func (m *meter) Read(p []byte) (int, error) {
	if err := m.ctx.Err(); err != nil {
		m.err = err
		return 0, err
	}
	n, err := m.r.Read(p)
	m.n += int64(n)
	m.hash.Write(p[:n])
	if err != nil && err != io.EOF && m.err == nil {
		m.err = err
	}
	return n, err
}

func (m *meter) sum() v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(m.hash.Sum(nil))}
}

// budgetReader ends in ErrLimit when the image's bytes are used up.
type budgetReader struct {
	r    io.Reader
	left *budget
}

func (b *budgetReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left.bytes -= int64(n); b.left.bytes < 0 {
		return 0, fmt.Errorf("layers of more than %d bytes: %w", b.left.limits.Uncompressed, ErrLimit)
	}
	return n, err
}

// Bounds on compression, above a size that any machine can bear: layers of programs and
// their data unpack to two to ten times their size, bombs to a thousand times and more.
const (
	maxRatio   = 200
	ratioFloor = 64 << 20
)

// ratioReader ends in ErrLimit when far more comes out of a decompressor than went in.
type ratioReader struct {
	r      io.Reader
	stored *meter
	n      int64
}

func (b *ratioReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.n += int64(n); b.n > ratioFloor && b.n/maxRatio > b.stored.n {
		return 0, fmt.Errorf("a layer that unpacks to more than %d times its size: %w", maxRatio, ErrLimit)
	}
	return n, err
}
