package local

import (
	"fmt"
	"maps"
	"slices"

	"github.com/distribution/reference"

	"github.com/opencontainers/go-digest"
)

// normalize spells a reference out: registry, path, and tag or digest.
func normalize(ref string) (string, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return "", fmt.Errorf("image reference %q: %w", ref, err)
	}
	return reference.TagNameOnly(named).String(), nil
}

// pin adds a digest to a reference that has none.
func pin(full string, d digest.Digest) string {
	named, err := reference.ParseNormalizedNamed(full)
	if _, pinned := named.(reference.Canonical); err != nil || pinned || d == "" {
		return full
	}
	return full + "@" + d.String()
}

// context is the named context for a reference: its name as written, or as
// BuildKit compares them, spelled out.
func (r *Resolver) context(written, full string) (name, source string, err error) {
	if source, ok := r.Contexts[written]; ok {
		return written, source, nil
	}
	plain, err := normalize(written)
	if err != nil {
		return "", "", err
	}
	for _, name := range slices.Sorted(maps.Keys(r.Contexts)) {
		n, err := normalize(name)
		if err == nil && (n == full || n == plain) {
			return name, r.Contexts[name], nil
		}
	}
	return "", "", nil
}
