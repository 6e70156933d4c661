package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/plimsoll-build/plimsoll/internal/gobin"
)

// program is a file that the image runs: its bytes' digest and evidence.
type program struct {
	path   string // as the label or the entrypoint names it
	real   string // after links; empty if it was not found
	sha256 string // hex
	size   int64
	bin    *gobin.Binary
	err    error // why bin is nil
	linked linked
	// markers are the texts that begin as a start-up hook's marker does, if one is linked in.
	markers []string
}

// readProgram takes the evidence from a file's bytes, which it keeps only as long.
func readProgram(r io.Reader, size, limit int64) (program, error) {
	if size > limit {
		return program{size: size, err: fmt.Errorf("a binary of %d bytes: more than %d are not looked into", size, limit)}, nil
	}
	var s spool
	hash := sha256.New()
	n, err := s.ReadFrom(io.TeeReader(io.LimitReader(r, limit), hash))
	if err != nil {
		return program{}, err
	}
	p := program{sha256: hex.EncodeToString(hash.Sum(nil)), size: n}
	if p.bin, p.err = gobin.Read(&s, n); p.err == nil {
		p.linked = linkedInto(p.bin)
		p.bin.Functions = nil
		if p.linked.has(startHook) {
			p.markers = findMarkers(&s, n)
		}
	}
	return p, nil
}

// spool keeps a file in memory in blocks, so that neither a header's claim nor
// growing costs more than the bytes that really came.
type spool struct {
	blocks [][]byte
	size   int64
}

const spoolBlock = 1 << 20

// ReadFrom is io.ReaderFrom's.
func (s *spool) ReadFrom(r io.Reader) (int64, error) {
	before := s.size
	for {
		used := int(s.size % spoolBlock)
		if used == 0 && int64(len(s.blocks))*spoolBlock == s.size {
			s.blocks = append(s.blocks, make([]byte, spoolBlock))
		}
		n, err := r.Read(s.blocks[len(s.blocks)-1][used:])
		s.size += int64(n)
		if err == io.EOF {
			return s.size - before, nil
		}
		if err != nil {
			return s.size - before, err
		}
	}
}

// ReadAt is io.ReaderAt's.
func (s *spool) ReadAt(p []byte, off int64) (int, error) {
	read := 0
	for read < len(p) && off >= 0 && off < s.size {
		block := s.blocks[off/spoolBlock]
		end := min(int64(spoolBlock), s.size-off/spoolBlock*spoolBlock)
		n := copy(p[read:], block[off%spoolBlock:end])
		read, off = read+n, off+int64(n)
	}
	if read < len(p) {
		return read, io.EOF
	}
	return read, nil
}
