package verify

import (
	"context"
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Bounds on an index: depth of nesting and images in all.
const (
	maxNesting = 4
	maxImages  = 256
	// maxAttestations are those of one image.
	maxAttestations = 16
)

// manifests is a place that has manifests by descriptor.
type manifests interface {
	// document is a manifest or index, whole, of which size and digest are checked here.
	document(ctx context.Context, d v1.Descriptor) ([]byte, error)
	// image is the subject's source for a manifest that was read.
	image(ctx context.Context, d v1.Descriptor, raw []byte) source
}

// expand finds the images below a descriptor.
func expand(ctx context.Context, from manifests, d v1.Descriptor, depth int) ([]Subject, error) {
	if isAttestation(d) {
		return nil, nil
	}
	if depth > maxNesting {
		return nil, fmt.Errorf("indexes nested more than %d deep: %w", maxNesting, ErrLimit)
	}
	if !d.MediaType.IsIndex() && !d.MediaType.IsImage() {
		return nil, fmt.Errorf("%s is a %q, neither an image nor an index", d.Digest, cut(string(d.MediaType)))
	}
	raw, err := from.document(ctx, d)
	if err != nil {
		return nil, fmt.Errorf("reading manifest %s: %w", d.Digest, err)
	}
	if d.MediaType.IsImage() {
		return []Subject{{Digest: d.Digest, Platform: d.Platform, source: from.image(ctx, d, raw)}}, nil
	}
	if got := hashOf(raw); got != d.Digest {
		return nil, fmt.Errorf("index hashes to %s, not to %s", got, d.Digest)
	}
	return expandIndex(ctx, from, raw, depth)
}

func expandIndex(ctx context.Context, from manifests, raw []byte, depth int) ([]Subject, error) {
	var index v1.IndexManifest
	if err := json.Unmarshal(raw, &index); err != nil {
		return nil, fmt.Errorf("reading index: %w", err)
	}
	var subjects []Subject
	for _, d := range index.Manifests {
		found, err := expand(ctx, from, d, depth+1)
		if err != nil {
			return nil, err
		}
		if subjects = append(subjects, found...); len(subjects) > maxImages {
			return nil, fmt.Errorf("index with more than %d images: %w", maxImages, ErrLimit)
		}
	}
	for _, d := range index.Manifests {
		attach(subjects, from, d)
	}
	return subjects, nil
}

// attach gives an attestation to the images that it is about. It is read when a rule wants it.
func attach(subjects []Subject, from manifests, d v1.Descriptor) {
	about := d.Annotations["vnd.docker.reference.digest"]
	for i := range subjects {
		s := &subjects[i]
		if isAttestation(d) && s.Digest.String() == about && len(s.attestations) < maxAttestations {
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
