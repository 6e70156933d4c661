package verify

import (
	"context"
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Bounds on what a reference leads to: depth of nesting, images, manifests and indexes in
// all, and their bytes together.
const (
	maxNesting      = 4
	maxImages       = 256
	maxDocuments    = 2 * maxImages
	maxAllDocuments = 32 << 20
)

// manifests is a place that has manifests by descriptor.
type manifests interface {
	// document is a manifest or index, whole, of which size and digest are checked here.
	document(ctx context.Context, d v1.Descriptor) ([]byte, error)
	// image is the subject's source for a manifest that was read.
	image(ctx context.Context, d v1.Descriptor, raw []byte) source
}

// search reads the documents of one reference. An index that leads to indexes that lead to
// indexes could ask for any number of them, so their number and size together are bounded.
type search struct {
	from            manifests
	documents, size int
}

func (w *search) read(ctx context.Context, d v1.Descriptor) ([]byte, error) {
	if w.documents++; w.documents > maxDocuments {
		return nil, fmt.Errorf("more than %d manifests and indexes: %w", maxDocuments, ErrLimit)
	}
	raw, err := w.from.document(ctx, d)
	if err != nil {
		return nil, fmt.Errorf("reading manifest %s: %w", d.Digest, err)
	}
	if w.size += len(raw); w.size > maxAllDocuments {
		return nil, fmt.Errorf("manifests and indexes of more than %d bytes: %w", maxAllDocuments, ErrLimit)
	}
	return raw, nil
}

// expand finds the images below a descriptor.
func (w *search) expand(ctx context.Context, d v1.Descriptor, depth int) ([]Subject, error) {
	if isAttestation(d) {
		return nil, nil
	}
	if depth > maxNesting {
		return nil, fmt.Errorf("indexes nested more than %d deep: %w", maxNesting, ErrLimit)
	}
	if !d.MediaType.IsIndex() && !d.MediaType.IsImage() {
		return nil, fmt.Errorf("%s is a %q, neither an image nor an index", d.Digest, cut(string(d.MediaType)))
	}
	raw, err := w.read(ctx, d)
	if err != nil {
		return nil, err
	}
	if d.MediaType.IsImage() {
		return []Subject{{Digest: d.Digest, Platform: d.Platform, source: w.from.image(ctx, d, raw)}}, nil
	}
	if got := hashOf(raw); got != d.Digest {
		return nil, fmt.Errorf("index hashes to %s, not to %s", got, d.Digest)
	}
	var index v1.IndexManifest
	if err := json.Unmarshal(raw, &index); err != nil {
		return nil, fmt.Errorf("reading index: %w", err)
	}
	return w.expandAll(ctx, index.Manifests, depth+1)
}

// expandAll finds the images of an index, with what it attests to them.
func (w *search) expandAll(ctx context.Context, descriptors []v1.Descriptor, depth int) ([]Subject, error) {
	var subjects []Subject
	for _, d := range descriptors {
		found, err := w.expand(ctx, d, depth)
		if err != nil {
			return nil, err
		}
		if subjects = append(subjects, found...); len(subjects) > maxImages {
			return nil, fmt.Errorf("more than %d images: %w", maxImages, ErrLimit)
		}
	}
	attach(subjects, w.from, descriptors)
	return subjects, nil
}

// attach gives attestations to the images that they are about. They are read when a rule
// wants them.
func attach(subjects []Subject, from manifests, descriptors []v1.Descriptor) {
	about := map[string][]*Subject{}
	for i := range subjects {
		digest := subjects[i].Digest.String()
		about[digest] = append(about[digest], &subjects[i])
	}
	for _, d := range descriptors {
		if !isAttestation(d) {
			continue
		}
		for _, s := range about[d.Annotations["vnd.docker.reference.digest"]] {
			if len(s.attestations) == maxAttestations {
				s.moreAttestations++
				continue
			}
			s.attestations = append(s.attestations, attestation{d, from})
		}
	}
}

// isAttestation tells BuildKit's provenance and SBOM manifests from images.
func isAttestation(d v1.Descriptor) bool {
	if d.Annotations["vnd.docker.reference.type"] == "attestation-manifest" {
		return true
	}
	return d.Platform != nil && d.Platform.OS == "unknown" && d.Platform.Architecture == "unknown"
}
