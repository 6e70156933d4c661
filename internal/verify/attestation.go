package verify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"

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

// maxStatement bounds one statement in bytes, which is read whole.
const maxStatement = 32 << 20

// spdx is the part of an SPDX 2.3 document that names packages.
type spdx struct {
	Packages []struct {
		Name    string `json:"name"`
		Version string `json:"versionInfo"`
		Refs    []struct {
			Type    string `json:"referenceType"`
			Locator string `json:"referenceLocator"`
		} `json:"externalRefs"`
	} `json:"packages"`
}

// statement is the part of an in-toto statement that is looked at.
type statement struct {
	PredicateType string `json:"predicateType"`
	Predicate     spdx   `json:"predicate"`
}

// documents are the SPDX documents of an attestation.
func (a attestation) documents(ctx context.Context) ([]spdx, error) {
	raw, err := a.from.document(ctx, a.desc)
	if err != nil {
		return nil, fmt.Errorf("reading attestation %s: %w", a.desc.Digest, err)
	}
	if got := hashOf(raw); got != a.desc.Digest {
		return nil, fmt.Errorf("attestation hashes to %s, not to %s", got, a.desc.Digest)
	}
	var m v1.Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("reading attestation %s: %w", a.desc.Digest, err)
	}
	if len(m.Layers) > maxLayers {
		return nil, fmt.Errorf("attestation of %d statements: %w", len(m.Layers), ErrLimit)
	}
	blobs, err := a.from.image(ctx, a.desc, raw).layers(&m)
	if err != nil {
		return nil, fmt.Errorf("reading attestation %s: %w", a.desc.Digest, err)
	}
	var found []spdx
	for _, b := range blobs {
		if b.desc == nil || b.desc.Annotations["in-toto.io/predicate-type"] != spdxPredicate {
			continue
		}
		s, err := readStatement(b)
		if err != nil {
			return nil, fmt.Errorf("reading SBOM %s: %w", b.desc.Digest, err)
		}
		found = append(found, s.Predicate)
	}
	return found, nil
}

func readStatement(b blob) (s statement, err error) {
	r, err := b.open()
	if err != nil {
		return s, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxStatement+1))
	if err != nil {
		return s, err
	}
	if len(data) > maxStatement {
		return s, fmt.Errorf("more than %d bytes: %w", maxStatement, ErrLimit)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != b.desc.Digest.Hex {
		return s, fmt.Errorf("its bytes hash to sha256:%x", sum)
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, err
	}
	if s.PredicateType != spdxPredicate {
		return s, fmt.Errorf("it is a %q inside", cut(s.PredicateType))
	}
	return s, nil
}

// names reports all packages of a document as name@version: not every scanner writes purls.
func (d spdx) names() map[string]bool {
	found := d.goModules()
	for _, p := range d.Packages {
		found[p.Name+"@"+p.Version] = true
	}
	return found
}

// goModules are the Go modules that a document names, as path@version. The standard library
// counts as none: build info does not list it.
func (d spdx) goModules() map[string]bool {
	found := map[string]bool{}
	for _, p := range d.Packages {
		for _, ref := range p.Refs {
			locator, ok := strings.CutPrefix(ref.Locator, "pkg:golang/")
			if ref.Type != "purl" || !ok {
				continue
			}
			locator, _, _ = strings.Cut(locator, "?")
			locator, _, _ = strings.Cut(locator, "#")
			if module, err := url.PathUnescape(locator); err == nil && !strings.HasPrefix(module, "stdlib@") && !strings.HasPrefix(module, "std@") {
				found[module] = true
			}
		}
	}
	return found
}
