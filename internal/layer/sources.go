package layer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"

	"github.com/opencontainers/go-digest"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// Sources are where a layer's content comes from.
type Sources struct {
	// Binaries are the paths of the compiled binaries, by plan.Compile.Name.
	Binaries map[string]string
	// Sums are the sha256 of binaries in hex. One that was just linked has none, and gets it here
	// when its layer is made: its bytes are read for that anyway.
	Sums map[string]string
	// Context is the build context. It follows links that stay inside, refuses
	// others, and for links that are kept it implements fs.ReadLinkFS.
	Context fs.FS
	// RootData is rootdata.Lookup.
	RootData func(name string) ([]byte, bool)
}

// ErrDamaged says that a binary is not what Sources.Sums says.
var ErrDamaged = errors.New("it is not what was compiled")

// content is a file's bytes and their number.
type content struct {
	size int64
	open func() (io.ReadCloser, error)
}

func inline(data []byte) content {
	return content{int64(len(data)), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}
}

// binary is a compiled binary. It may have been kept for long, so that its sum is taken.
func (s Sources) binary(name string) (content, error) {
	file, ok := s.Binaries[name]
	if !ok {
		return content{}, fmt.Errorf("binary %s was not compiled", name)
	}
	info, err := os.Stat(file)
	if err != nil {
		return content{}, fmt.Errorf("opening binary %s: %w", name, err)
	}
	return content{info.Size(), func() (io.ReadCloser, error) {
		f, err := os.Open(file)
		return &proved{f, sha256.New(), s.Sums, name}, err
	}}, nil
}

// proved ends in ErrDamaged instead of io.EOF where what was read has not the sum that it
// should have. Where none is known, it is from then on.
type proved struct {
	io.ReadCloser
	hash hash.Hash
	sums map[string]string
	name string
}

func (p *proved) Read(b []byte) (int, error) {
	n, err := p.ReadCloser.Read(b)
	p.hash.Write(b[:n])
	if err != io.EOF || p.sums == nil {
		return n, err
	}
	sum := hex.EncodeToString(p.hash.Sum(nil))
	if p.sums[p.name] == "" {
		p.sums[p.name] = sum
	}
	if p.sums[p.name] != sum {
		err = ErrDamaged
	}
	return n, err
}

// FileSum is the sha256 of a file in hex.
func FileSum(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// file is a regular file of the build context, and its mode there.
func (s Sources) file(name string) (content, fs.FileMode, error) {
	info, err := fs.Stat(s.Context, name)
	if err != nil {
		return content{}, 0, fmt.Errorf("opening %s in the build context: %w", name, err)
	}
	if !info.Mode().IsRegular() {
		return content{}, 0, fmt.Errorf("%s in the build context is not a regular file (%s)", name, info.Mode().Type())
	}
	open := func() (io.ReadCloser, error) { return s.Context.Open(name) }
	return content{info.Size(), open}, info.Mode(), nil
}

// rootData is named data, which must be what the plan was made for.
func (s Sources) rootData(d plan.RootData) (content, error) {
	var data []byte
	ok := s.RootData != nil
	if ok {
		data, ok = s.RootData(d.Name)
	}
	if !ok {
		return content{}, fmt.Errorf("there is no root data %q in this version of Plimsoll", d.Name)
	}
	if got := digest.FromBytes(data); got != d.Digest {
		return content{}, fmt.Errorf("root data %q is %s here, but the plan wants %s: it was made by another version of Plimsoll", d.Name, got, d.Digest)
	}
	return inline(data), nil
}
