package verify

import (
	"encoding/json"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// openDockerArchive finds the images of `docker save`. The form has no manifest:
// no digest of the stored layers is known, DiffIDs are.
func openDockerArchive(s store) ([]Subject, error) {
	raw, err := readAll(s, "manifest.json", maxManifest)
	if err != nil {
		return nil, fmt.Errorf("not a docker archive: %w", err)
	}
	var images []dockerImage
	if err := json.Unmarshal(raw, &images); err != nil {
		return nil, fmt.Errorf("reading manifest.json: %w", err)
	}
	if len(images) > maxImages {
		return nil, fmt.Errorf("archive with %d images: %w", len(images), ErrLimit)
	}
	var subjects []Subject
	for _, image := range images {
		image.store = s
		subjects = append(subjects, Subject{source: image})
	}
	return subjects, nil
}

// dockerImage is an element of manifest.json.
type dockerImage struct {
	Config string
	Layers []string

	store store
}

func (d dockerImage) manifest() ([]byte, error) { return nil, nil }

func (d dockerImage) config(*v1.Manifest) ([]byte, error) {
	return readAll(d.store, d.Config, maxConfig)
}

func (d dockerImage) layers(*v1.Manifest) ([]blob, error) {
	var blobs []blob
	for _, name := range d.Layers {
		blobs = append(blobs, blob{nil, func() (io.ReadCloser, error) { return d.store.open(name) }})
	}
	return blobs, nil
}
