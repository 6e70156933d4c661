package export

import (
	"archive/tar"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/distribution/reference"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const layoutFile = `{"imageLayoutVersion":"1.0.0"}`

// Annotations of a descriptor in index.json, as containerd's exporter writes them.
const (
	refName   = "org.opencontainers.image.ref.name"
	imageName = "io.containerd.image.name"
)

// indexJSON names the artifact once for each reference; without one it is "latest".
func indexJSON(a Artifact, refs []reference.NamedTagged) ([]byte, error) {
	m := a.manifest()
	digest, err := m.Digest()
	if err != nil {
		return nil, err
	}
	size, err := m.Size()
	if err != nil {
		return nil, err
	}
	mediaType, err := m.MediaType()
	if err != nil {
		return nil, err
	}
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	add := func(annotations map[string]string) {
		index.Manifests = append(index.Manifests, v1.Descriptor{MediaType: mediaType, Digest: digest, Size: size, Annotations: annotations})
	}
	for _, r := range refs {
		add(map[string]string{refName: r.Tag(), imageName: r.String()})
	}
	if len(refs) == 0 {
		add(map[string]string{refName: "latest"})
	}
	return json.Marshal(index)
}

// writeLayout fills an empty directory.
func writeLayout(ctx context.Context, dir string, a Artifact, refs []reference.NamedTagged) error {
	blobs, err := a.blobs()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "blobs", "sha256"), 0o755); err != nil {
		return err
	}
	for _, b := range blobs {
		f, err := os.Create(filepath.Join(dir, "blobs", b.hash.Algorithm, b.hash.Hex))
		if err != nil {
			return err
		}
		err = b.copyTo(ctx, f)
		if closed := f.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return err
		}
	}
	index, err := indexJSON(a, refs)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "index.json"), index, 0o666); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "oci-layout"), []byte(layoutFile), 0o666)
}

// writeArchive writes an OCI layout as a tar. With docker set it holds the
// manifest.json of `docker save` too, as BuildKit's docker exporter has it.
func writeArchive(ctx context.Context, w io.Writer, a Artifact, refs []reference.NamedTagged, docker bool) error {
	blobs, err := a.blobs()
	if err != nil {
		return err
	}
	tw := tar.NewWriter(w)
	for _, dir := range []string{"blobs/", "blobs/sha256/"} {
		if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755}); err != nil {
			return err
		}
	}
	for _, b := range blobs {
		if err := writeEntry(ctx, tw, blobPath(b.hash), b); err != nil {
			return err
		}
	}
	index, err := indexJSON(a, refs)
	if err != nil {
		return err
	}
	if err := writeEntry(ctx, tw, "index.json", raw(index)); err != nil {
		return err
	}
	if docker {
		manifest, err := dockerManifest(a.Image, refs)
		if err != nil {
			return err
		}
		if err := writeEntry(ctx, tw, "manifest.json", raw(manifest)); err != nil {
			return err
		}
	}
	if err := writeEntry(ctx, tw, "oci-layout", raw([]byte(layoutFile))); err != nil {
		return err
	}
	return tw.Close()
}

func blobPath(h v1.Hash) string { return "blobs/" + h.Algorithm + "/" + h.Hex }

func writeEntry(ctx context.Context, tw *tar.Writer, name string, b blob) error {
	if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: b.size}); err != nil {
		return err
	}
	return b.copyTo(ctx, tw)
}

// dockerManifest is the manifest.json of a docker archive.
func dockerManifest(img v1.Image, refs []reference.NamedTagged) ([]byte, error) {
	if img == nil {
		return nil, fmt.Errorf("a docker archive holds a single platform")
	}
	config, err := img.ConfigName()
	if err != nil {
		return nil, err
	}
	layers, err := img.Layers()
	if err != nil {
		return nil, err
	}
	entry := struct {
		Config   string
		RepoTags []string
		Layers   []string
	}{Config: blobPath(config)}
	for _, r := range refs {
		entry.RepoTags = append(entry.RepoTags, reference.FamiliarString(r))
	}
	for _, l := range layers {
		hash, err := l.Digest()
		if err != nil {
			return nil, err
		}
		entry.Layers = append(entry.Layers, blobPath(hash))
	}
	return json.Marshal([]any{entry})
}
