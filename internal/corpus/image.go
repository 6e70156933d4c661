package corpus

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Scratch is an image of one layer that holds one program, /app, and a config.
func Scratch(program []byte, config v1.Config) (v1.Image, error) {
	layer, err := layerOf(file("app", 0o755, program))
	if err != nil {
		return nil, err
	}
	if config.Entrypoint == nil {
		config.Entrypoint = []string{"/app"}
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if img, err = mutate.ConfigFile(img, &v1.ConfigFile{OS: "linux", Architecture: "amd64", Config: config, RootFS: v1.RootFS{Type: "layers"}}); err != nil {
		return nil, err
	}
	return appendLayers(img, layer)
}

func appendLayers(img v1.Image, layers ...v1.Layer) (v1.Image, error) {
	for _, l := range layers {
		var err error
		if img, err = mutate.Append(img, mutate.Addendum{Layer: l, MediaType: types.OCILayer}); err != nil {
			return nil, err
		}
	}
	return img, nil
}

// entry is a file of a layer.
type entry struct {
	header  tar.Header
	content []byte
}

func file(name string, mode int64, content []byte) entry {
	return entry{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode}, content}
}

func layerOf(entries ...entry) (v1.Layer, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, e := range entries {
		e.header.Size = int64(len(e.content))
		if err := w.WriteHeader(&e.header); err != nil {
			return nil, err
		}
		if _, err := w.Write(e.content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(buf.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(gzip.BestSpeed))
}

func entriesOf(l v1.Layer) ([]entry, error) {
	r, err := l.Uncompressed()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var entries []entry
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(t)
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{*h, content})
	}
}

// edited changes the content of one file of an image; DiffIDs, digests and manifest fit
// again, config and annotations stay.
func edited(img v1.Image, name string, content []byte) (v1.Image, error) {
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	manifest, err := img.Manifest()
	if err != nil {
		return nil, err
	}
	layers, err := img.Layers()
	if err != nil {
		return nil, err
	}
	out := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	found := false
	for _, l := range layers {
		entries, err := entriesOf(l)
		if err != nil {
			return nil, err
		}
		for i := range entries {
			if entries[i].header.Name == name {
				entries[i].content, found = content, true
			}
		}
		if l, err = layerOf(entries...); err != nil {
			return nil, err
		}
		if out, err = appendLayers(out, l); err != nil {
			return nil, err
		}
	}
	if !found {
		return nil, fmt.Errorf("no layer holds %s", name)
	}
	if out, err = reconfigured(out, config); err != nil {
		return nil, err
	}
	return mutate.Annotations(out, manifest.Annotations).(v1.Image), nil
}

// reconfigured gives an image another's config, its own layers kept.
func reconfigured(img v1.Image, config *v1.ConfigFile) (v1.Image, error) {
	own, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.RootFS = own.RootFS
	return mutate.ConfigFile(img, config)
}

// withConfig edits the config of an image, as tools do after a build.
func withConfig(img v1.Image, edit func(*v1.Config)) (v1.Image, error) {
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.Config.Labels = maps.Clone(config.Config.Labels)
	edit(&config.Config)
	return mutate.ConfigFile(img, config)
}

// setEnv sets a variable that the config has, or adds it.
func setEnv(c *v1.Config, name, value string) {
	c.Env = slices.DeleteFunc(slices.Clone(c.Env), func(e string) bool { return strings.HasPrefix(e, name+"=") })
	c.Env = append(c.Env, name+"="+value)
}
