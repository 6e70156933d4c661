package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/opencontainers/go-digest"

	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/rootfs"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

// inspection is all that was read of an image; rules only look at it.
type inspection struct {
	subject        Subject
	manifest       *v1.Manifest // empty if the form has none
	manifestDigest v1.Hash
	config         configFile
	configDigest   v1.Hash
	configSize     int64
	ours           bool
	layers         []layer
	root           *rootfs.Index
	entry          entry
	programs       []program
	passwd         []byte
	keys           map[rootfs.Location]bool
	times          map[int][]strangeTime // by layer
	sbom           sbom
	sbomErr        error // why it cannot be read
}

// configFile is the part of an image's config that rules look at.
type configFile struct {
	ocispec.Platform
	Config plan.RunConfig `json:"config"`
	Raw    struct {
		Config json.RawMessage `json:"config"`
	} `json:"-"`
	RootFS struct {
		DiffIDs []digest.Digest `json:"diff_ids"`
	} `json:"rootfs"`
}

// inspect reads manifest, config and layers.
func inspect(ctx context.Context, s Subject) (*inspection, error) {
	s.Limits = s.Limits.withDefaults()
	in := &inspection{subject: s, manifest: &v1.Manifest{}, root: rootfs.New(), times: map[int][]strangeTime{}}
	if err := in.readManifest(); err != nil {
		return nil, err
	}
	if err := in.readConfig(); err != nil {
		return nil, err
	}
	if err := in.readLayers(ctx); err != nil {
		return nil, err
	}
	if err := in.readSBOMs(ctx); err != nil {
		return nil, err
	}
	return in, nil
}

func (in *inspection) readManifest() error {
	raw, err := in.subject.source.manifest()
	if err != nil || raw == nil {
		return err
	}
	if len(raw) > maxManifest {
		return fmt.Errorf("manifest of %d bytes: %w", len(raw), ErrLimit)
	}
	if err := json.Unmarshal(raw, in.manifest); err != nil {
		return fmt.Errorf("reading manifest: %w", err)
	}
	if !in.manifest.Config.MediaType.IsConfig() {
		return fmt.Errorf("not an image: its config is a %q", cut(string(in.manifest.Config.MediaType)))
	}
	if len(in.manifest.Layers) > maxLayers {
		return fmt.Errorf("%d layers: %w", len(in.manifest.Layers), ErrLimit)
	}
	in.manifestDigest = hashOf(raw)
	return nil
}

func (in *inspection) readConfig() error {
	raw, err := in.subject.source.config(in.manifest)
	if err != nil {
		return fmt.Errorf("reading config: %w", err)
	}
	if len(raw) > maxConfig {
		return fmt.Errorf("config of %d bytes: %w", len(raw), ErrLimit)
	}
	if err := errors.Join(json.Unmarshal(raw, &in.config), json.Unmarshal(raw, &in.config.Raw)); err != nil {
		return fmt.Errorf("reading config: %w", err)
	}
	if n := len(in.config.RootFS.DiffIDs); n > maxLayers {
		return fmt.Errorf("config with %d DiffIDs: %w", n, ErrLimit)
	}
	in.configDigest, in.configSize = hashOf(raw), int64(len(raw))
	in.ours = len(in.ownLabels()) > 0 || in.ownAnnotation()
	in.entry = entryOfConfig(in.config.Config)
	return nil
}

func hashOf(data []byte) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: digest.FromBytes(data).Encoded()}
}

// wantedBy are the files of a config that are read on the way, by their names in a layer.
func wantedBy(c plan.RunConfig) map[string]bool {
	names := map[string]bool{}
	for _, p := range slices.Concat(labelledPaths(c), entryOfConfig(c).candidates) {
		names[p] = true
	}
	return names
}

const (
	passwdPath = "/etc/passwd"
	maxPasswd  = 1 << 20
)

// readLayers streams every layer once, then finds the programs; one that hides
// behind a link costs a second pass over its layer.
func (in *inspection) readLayers(ctx context.Context) error {
	blobs, err := in.subject.source.layers(in.manifest)
	if err != nil {
		return err
	}
	if len(blobs) > maxLayers {
		return fmt.Errorf("%d layers: %w", len(blobs), ErrLimit)
	}
	left := in.subject.Limits.budget()
	seen := newCatch(wantedBy(in.config.Config), in.subject.Limits)
	in.keys = seen.keys
	for i, b := range blobs {
		l, ok, err := in.readAhead(i, b, left, &seen)
		if !ok {
			l, err = in.readNow(ctx, i, b, left, &seen)
		}
		if err != nil {
			return fmt.Errorf("reading layer %d: %w", i, err)
		}
		in.layers = append(in.layers, l)
	}
	if in.broken() != nil {
		return nil //nolint:nilerr // judgeLayers reports it
	}
	return in.findPrograms(ctx, blobs, left, &seen)
}

func (in *inspection) readNow(ctx context.Context, i int, b blob, left *budget, seen *catch) (layer, error) {
	return readLayer(ctx, b, left, func(tar io.Reader) error {
		return walkTar(tar, i, left, func(e tarEntry) error {
			if err := seen.take(e); err != nil {
				return err
			}
			return in.see(e)
		})
	})
}

// see takes note of an entry, and puts it into the root.
func (in *inspection) see(e tarEntry) error {
	in.noteTime(e)
	return in.limit(apply(in.root, e.Entry))
}

// limit makes the index's bounds ours.
func (in *inspection) limit(err error) error {
	if errors.Is(err, rootfs.ErrLimit) {
		return fmt.Errorf("%w: %w", err, ErrLimit)
	}
	return err
}

// broken says which layer could not be read; nil if all could.
func (in *inspection) broken() error {
	for i, l := range in.layers {
		if l.err != nil {
			return fmt.Errorf("layer %d cannot be read: %w", i, l.err)
		}
	}
	return nil
}

func (in *inspection) label(key string) (string, bool) {
	v, ok := in.config.Config.Labels[key]
	return v, ok
}

// ownAnnotation reports whether the manifest has an annotation of ours: who drops the
// labels alone has not made a foreign image of it.
func (in *inspection) ownAnnotation() bool {
	for key := range in.manifest.Annotations {
		if strings.HasPrefix(key, tuning.Prefix) {
			return true
		}
	}
	return false
}

// ownLabels are the labels of our namespace, known or not.
func (in *inspection) ownLabels() map[string]string {
	own := maps.Clone(in.config.Config.Labels)
	maps.DeleteFunc(own, func(key, _ string) bool { return !strings.HasPrefix(key, tuning.Prefix) })
	return own
}

// labelledPaths are the paths of a config's binaries label, clean.
func labelledPaths(c plan.RunConfig) []string {
	paths, err := parseBinaries(c.Labels[tuning.LabelBinaries])
	if err != nil {
		return nil
	}
	return paths
}

func (in *inspection) platformName() string {
	p := in.config.Platform
	return v1.Platform{OS: p.OS, Architecture: p.Architecture, Variant: p.Variant}.String()
}

// env are the values of a variable, in order: more than one is possible.
func (in *inspection) env(name string) []string {
	var values []string
	for _, e := range in.config.Config.Env {
		if key, value, ok := strings.Cut(e, "="); ok && key == name {
			values = append(values, value)
		}
	}
	return values
}

// unknownConfigFields are fields of the config that the sealed struct does not
// have, and which the seal therefore does not bind.
func (in *inspection) unknownConfigFields() error {
	if len(in.config.Raw.Config) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(in.config.Raw.Config))
	dec.DisallowUnknownFields()
	return dec.Decode(new(plan.RunConfig))
}
