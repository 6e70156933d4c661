package e2e

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"path"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// images are the images of a layout by "os/arch", attestations left out.
func images(t *testing.T, dir string) map[string]v1.Image {
	t.Helper()
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]v1.Image{}
	collect(t, index, found)
	return found
}

func collect(t *testing.T, index v1.ImageIndex, found map[string]v1.Image) {
	t.Helper()
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range m.Manifests {
		switch {
		case d.MediaType.IsIndex():
			inner, err := index.ImageIndex(d.Digest)
			if err != nil {
				t.Fatal(err)
			}
			collect(t, inner, found)
		case d.Annotations["vnd.docker.reference.type"] == "":
			img, err := index.Image(d.Digest)
			if err != nil {
				t.Fatal(err)
			}
			c := config(t, img)
			found[c.OS+"/"+c.Architecture] = img
		}
	}
}

func config(t *testing.T, img v1.Image) *v1.ConfigFile {
	t.Helper()
	c, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func rawConfig(t *testing.T, img v1.Image) string {
	t.Helper()
	raw, err := img.RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func digestOf(t *testing.T, img v1.Image) string {
	t.Helper()
	d, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

// entry is a file of an image's root file system.
type entry struct {
	header *tar.Header
	sum    string
}

// files are all entries of the flattened root file system, by absolute path.
func files(t *testing.T, img v1.Image) map[string]entry {
	t.Helper()
	r := mutate.Extract(img)
	defer r.Close()
	found := map[string]entry{}
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		found[path.Join("/", h.Name)] = entry{h, sum(data)}
	}
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// allBytes is everything that an image holds, uncompressed.
func allBytes(t *testing.T, img v1.Image) []byte {
	t.Helper()
	var all bytes.Buffer
	raw, err := img.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	all.Write(raw)
	all.WriteString(rawConfig(t, img))
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range layers {
		r, err := l.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(&all, r); err != nil {
			t.Fatal(err)
		}
		r.Close()
	}
	return all.Bytes()
}
