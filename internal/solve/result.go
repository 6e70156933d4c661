package solve

import (
	"encoding/base64"
	"encoding/json"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
)

// Result is what the exporters answered.
type Result struct {
	// Digest is the digest of the image or index; empty if no image was exported.
	Digest string
	// ConfigDigest is the digest of a single platform's config; empty for an index.
	ConfigDigest string
	// Metadata is the exporters' answer as buildx writes it to a metadata file.
	Metadata map[string]any
	// Warnings are the frontend's and the daemon's, in order of arrival.
	Warnings []client.VertexWarning
}

func newResult(response map[string]string, warnings []client.VertexWarning) Result {
	return Result{
		Digest:       response[exptypes.ExporterImageDigestKey],
		ConfigDigest: response[exptypes.ExporterImageConfigDigestKey],
		Metadata:     decodeMetadata(response),
		Warnings:     warnings,
	}
}

// decodeMetadata unpacks the values that are JSON objects in base64.
func decodeMetadata(response map[string]string) map[string]any {
	out := make(map[string]any, len(response))
	for key, value := range response {
		out[key] = value
		raw, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			continue
		}
		var object map[string]json.RawMessage
		if json.Unmarshal(raw, &object) == nil && len(object) > 0 {
			out[key] = json.RawMessage(raw)
		}
	}
	return out
}

// MetadataFile is the content of a metadata file: sorted, indented JSON.
func (r Result) MetadataFile() ([]byte, error) {
	return json.MarshalIndent(r.Metadata, "", "  ")
}
