package local

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/layout"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// fromContext reads a named context's value.
func (r *Resolver) fromContext(ctx context.Context, source string) (*found, error) {
	if ref, ok := strings.CutPrefix(source, "docker-image://"); ok {
		full, err := normalize(ref)
		if err != nil {
			return nil, err
		}
		return r.fromRegistry(ctx, full)
	}
	if ref, ok := strings.CutPrefix(source, "oci-layout://"); ok {
		return fromLayout(ref)
	}
	return nil, errors.New("the embedded engine takes docker-image:// and oci-layout:// contexts; use --engine buildkit for others")
}

// fromLayout opens DIR[:TAG|@DIGEST]. As in buildx, the tag is latest if none is
// given, and a layout that holds a single image needs none.
func fromLayout(ref string) (*found, error) {
	dir, want, pinned := strings.Cut(ref, "@")
	if i := strings.LastIndex(dir, ":"); !pinned && i > strings.LastIndexAny(dir, `/\`) {
		dir, want = dir[:i], dir[i+1:]
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, fmt.Errorf("opening OCI layout %s: %w", dir, err)
	}
	m, err := index.IndexManifest()
	if err != nil {
		return nil, fmt.Errorf("reading the index of OCI layout %s: %w", dir, err)
	}
	desc, err := choose(m.Manifests, want)
	if err != nil {
		return nil, fmt.Errorf("OCI layout %s: %w", dir, err)
	}
	return &found{
		desc:  desc,
		image: func() (v1.Image, error) { return index.Image(desc.Digest) },
		index: func() (v1.ImageIndex, error) { return index.ImageIndex(desc.Digest) },
	}, nil
}

func choose(all []v1.Descriptor, want string) (v1.Descriptor, error) {
	tag := want
	if tag == "" {
		tag = "latest"
	}
	var have []string
	for _, d := range all {
		name := d.Annotations["org.opencontainers.image.ref.name"]
		if d.Digest.String() == want || name == tag || path.Base(name) != name && strings.HasSuffix(name, ":"+tag) {
			return d, nil
		}
		have = append(have, strings.TrimPrefix(name+"@"+d.Digest.String(), "@"))
	}
	if len(all) == 1 && want == "" {
		return all[0], nil
	}
	return v1.Descriptor{}, fmt.Errorf("it does not hold %q but %q", tag, have)
}
