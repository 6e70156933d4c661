package local

import (
	"encoding/json"
	"fmt"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/opencontainers/go-digest"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// configFile is the image config in the bytes that BuildKit's exporter writes: the
// plan's, with rootfs and history set at the top level and its keys sorted
// (exporter/containerimage patchImageConfig). go-containerregistry's ConfigFile
// would lose what it does not know, such as StopTimeout.
func configFile(image plan.Image, diffIDs []digest.Digest) ([]byte, error) {
	if image.OS == "" || image.Architecture == "" {
		return nil, fmt.Errorf("the plan's config has no platform")
	}
	data, err := json.Marshal(image)
	if err != nil {
		return nil, fmt.Errorf("encoding the image config: %w", err)
	}
	top := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &top); err != nil {
		return nil, fmt.Errorf("decoding the image config: %w", err)
	}
	patch := map[string]any{
		"rootfs":  ocispec.RootFS{Type: "layers", DiffIDs: diffIDs},
		"history": image.History,
	}
	for key, value := range patch {
		if top[key], err = json.Marshal(value); err != nil {
			return nil, fmt.Errorf("encoding %s of the image config: %w", key, err)
		}
	}
	return json.Marshal(top)
}

// checkHistory demands an entry for each layer: tools count on it, and BuildKit
// would invent missing ones with the time of day.
func checkHistory(history []ocispec.History, layers int) error {
	entries := 0
	for _, h := range history {
		if !h.EmptyLayer {
			entries++
		}
	}
	if entries != layers {
		return fmt.Errorf("the plan's history has %d entries for %d layers", entries, layers)
	}
	return nil
}
