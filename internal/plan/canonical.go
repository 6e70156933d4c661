package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/opencontainers/go-digest"
)

// Canonical is v as JSON in the one form that digests are taken of: fields in
// the order of their types, map keys sorted, no HTML escapes, no line break.
func Canonical(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding canonical JSON: %w", err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// Digest is the plan's digest: of its canonical form without the labels and
// annotations that hold a digest of the plan or of the config (derived).
func (p Plan) Digest(derived ...string) (digest.Digest, error) {
	p.Config.Config.Labels = without(p.Config.Config.Labels, derived)
	p.Annotations = without(p.Annotations, derived)
	data, err := Canonical(p)
	if err != nil {
		return "", err
	}
	return digest.FromBytes(data), nil
}

// without is a copy of m that lacks the keys.
func without(m map[string]string, keys []string) map[string]string {
	m = maps.Clone(m)
	for _, key := range keys {
		delete(m, key)
	}
	return m
}

// Binary is the plan's Compile with that name.
func (p Plan) Binary(name string) (Compile, bool) {
	for _, c := range p.Compiles {
		if c.Name == name {
			return c, true
		}
	}
	return Compile{}, false
}
