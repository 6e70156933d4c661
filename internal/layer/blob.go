package layer

import (
	"io"
	"os"

	"github.com/google/go-containerregistry/pkg/compression"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// blob is a compressed layer in the store: what go-containerregistry needs to
// derive a v1.Layer. Its exported fields are the record's JSON.
type blob struct {
	DiffHash v1.Hash `json:"diffID"`
	BlobHash v1.Hash `json:"digest"`
	Length   int64   `json:"size"`
	file     string
	as       compression.Compression
}

// DiffID is the digest of the uncompressed tar.
func (b *blob) DiffID() (v1.Hash, error) { return b.DiffHash, nil }

// Digest is the digest of the compressed tar.
func (b *blob) Digest() (v1.Hash, error) { return b.BlobHash, nil }

// Size is the number of compressed bytes.
func (b *blob) Size() (int64, error) { return b.Length, nil }

// MediaType is an OCI layer's.
func (b *blob) MediaType() (types.MediaType, error) { return mediaType(b.as), nil }

// Compressed opens the compressed tar.
func (b *blob) Compressed() (io.ReadCloser, error) { return os.Open(b.file) }
