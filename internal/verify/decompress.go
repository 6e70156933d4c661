package verify

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip" // inflates in two thirds of the time of compress/gzip
	"github.com/klauspost/compress/zstd"
)

// maxWindow is the largest zstd window that is granted, in bytes: what level 22
// asks for.
const maxWindow = 128 << 20

// decompress tells gzip, zstd and plain tar by their first bytes, as containerd
// does: media types are often wrong and nobody else looks at them.
func decompress(raw io.Reader) (io.ReadCloser, error) {
	r := bufio.NewReaderSize(raw, 64<<10)
	head, err := r.Peek(4)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, fmt.Errorf("reading gzip header: %w", err)
		}
		return z, nil
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, fmt.Errorf("reading zstd header: %w", err)
		}
		return z.IOReadCloser(), nil
	}
	return io.NopCloser(r), nil
}
