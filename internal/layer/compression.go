package layer

import (
	"fmt"
	"io"

	"github.com/google/go-containerregistry/pkg/compression"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"
	gzip "github.com/klauspost/pgzip" // a fifth of the time of compress/gzip on two cores
)

// compressor compresses into w, with the level that is the library's default, as in BuildKit.
// What either writes does not depend on the number of cores.
func compressor(c compression.Compression, w io.Writer) (io.WriteCloser, error) {
	switch c {
	case compression.GZip, "":
		return gzip.NewWriter(w), nil
	case compression.ZStd:
		return zstd.NewWriter(w)
	}
	return nil, fmt.Errorf("compression %q is not known", c)
}

func mediaType(c compression.Compression) types.MediaType {
	if c == compression.ZStd {
		return types.OCILayerZStd
	}
	return types.OCILayer
}

// recordName is the file that says which blob is that of a layer.
func recordName(c compression.Compression, diffID string) string {
	if c == compression.GZip || c == "" {
		return diffID + ".json"
	}
	return diffID + "." + string(c) + ".json"
}
