package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// attestation is a manifest of in-toto statements about an image, as BuildKit writes it
// (docs/attestations/attestation-storage.md of BuildKit).
type attestation struct {
	desc v1.Descriptor
	from manifests
}

// spdxPredicate is the type of statements that hold an SPDX document.
const spdxPredicate = "https://spdx.dev/Document"

// Bounds on the attestations of one image: bytes of a statement and of all of them, and
// names that are kept. A statement is never kept itself.
const (
	maxAttestations = 16
	maxStatement    = 16 << 20
	maxStatements   = 32 << 20
	maxNames        = 1 << 17
)

// errMalformed is said of what was read whole and is not what it should be; an error of
// the storage is something else.
var errMalformed = errors.New("malformed")

// sbom is what all attested SPDX documents of an image say together.
type sbom struct {
	documents int
	// named are all packages, as name@version: not every scanner writes purls. modules are
	// those with the purl of a Go module.
	named, modules map[string]bool
	// strangers are digests of which a document says that it is about them, not this image.
	strangers []string
	left      int64 // bytes that statements may still have
}

// readSBOMs reads the attested documents. What is wrong with them is a finding, not the
// end; only ctx ends it.
func (in *inspection) readSBOMs(ctx context.Context) error {
	in.sbom = sbom{named: map[string]bool{}, modules: map[string]bool{}, left: maxStatements}
	if in.subject.moreAttestations > 0 {
		in.sbomErr = fmt.Errorf("%d attestations, more than %d are not read", maxAttestations+in.subject.moreAttestations, maxAttestations)
		return nil
	}
	for _, a := range in.subject.attestations {
		if err := in.sbom.read(ctx, a, in.subject.Digest); err != nil {
			in.sbomErr = fmt.Errorf("attestation %s: %w", a.desc.Digest, err)
			break
		}
	}
	return ctx.Err()
}

// read adds the SPDX documents of an attestation.
func (s *sbom) read(ctx context.Context, a attestation, image v1.Hash) error {
	raw, err := a.from.document(ctx, a.desc)
	if err != nil {
		return fmt.Errorf("reading it: %w", err)
	}
	if got := hashOf(raw); got != a.desc.Digest {
		return fmt.Errorf("%w: it hashes to %s", errMalformed, got)
	}
	var m v1.Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return fmt.Errorf("%w: %w", errMalformed, err)
	}
	if len(m.Layers) > maxLayers {
		return fmt.Errorf("%d statements: %w", len(m.Layers), ErrLimit)
	}
	blobs, err := a.from.image(ctx, a.desc, raw).layers(&m)
	if err != nil {
		return fmt.Errorf("reading it: %w", err)
	}
	for _, b := range blobs {
		if b.desc == nil || b.desc.Annotations["in-toto.io/predicate-type"] != spdxPredicate {
			continue
		}
		if err := s.readStatement(ctx, b, image); err != nil {
			return fmt.Errorf("statement %s: %w", b.desc.Digest, err)
		}
	}
	return nil
}

// readStatement streams one statement: its names are kept, its bytes are not.
func (s *sbom) readStatement(ctx context.Context, b blob, image v1.Hash) error {
	limit := min(maxStatement, s.left)
	if b.desc.Size > limit {
		return fmt.Errorf("%d bytes, %d may be read: %w", b.desc.Size, limit, ErrLimit)
	}
	rc, err := b.open()
	if err != nil {
		return fmt.Errorf("reading it: %w", err)
	}
	defer rc.Close()
	raw := newMeter(ctx, io.LimitReader(rc, limit+1))
	doc := statement{sbom: s, dec: json.NewDecoder(raw)}
	err = doc.whole()
	if err == nil {
		_, err = io.Copy(io.Discard, io.MultiReader(doc.dec.Buffered(), raw))
	}
	s.left -= raw.n
	switch {
	case raw.err != nil:
		return fmt.Errorf("reading it: %w", raw.err)
	case raw.n > limit:
		return fmt.Errorf("more than %d bytes: %w", limit, ErrLimit)
	case errors.Is(err, ErrLimit):
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", errMalformed, err)
	case raw.sum() != b.desc.Digest:
		return fmt.Errorf("%w: its bytes hash to %s", errMalformed, raw.sum())
	case doc.predicateType != spdxPredicate:
		return fmt.Errorf("%w: it is a %q inside", errMalformed, cut(doc.predicateType))
	}
	s.documents++
	s.about(doc.subjects, image)
	return nil
}

// about notes a document that names subjects of which the image is none. One without a
// subject, as BuildKit writes for an image without a name, is bound by the index alone.
func (s *sbom) about(subjects []string, image v1.Hash) {
	if len(subjects) == 0 || slices.Contains(subjects, image.Hex) {
		return
	}
	named := slices.DeleteFunc(subjects, func(digest string) bool { return digest == "" })
	if len(named) == 0 {
		named = []string{"no sha256 at all"}
	}
	s.strangers = append(s.strangers, cut(named[0]))
}
