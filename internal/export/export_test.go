package export

import (
	"archive/tar"
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// image is for linux/amd64 and has one layer with these entries.
func image(t *testing.T, entries ...tar.Header) v1.Image {
	t.Helper()
	return imageFor(t, "amd64", "", entries...)
}

func imageFor(t *testing.T, arch, variant string, entries ...tar.Header) v1.Image {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, h := range entries {
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(h.Name))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			io.WriteString(w, h.Name)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(buf.Bytes())), nil }
	l, err := tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), l)
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Variant = "linux", arch, variant
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	return mutate.ConfigMediaType(img, types.OCIConfigJSON)
}

func hello(t *testing.T) v1.Image {
	return image(t,
		tar.Header{Typeflag: tar.TypeReg, Name: "app", Mode: 0o4755},
		tar.Header{Typeflag: tar.TypeDir, Name: "etc/", Mode: 0o555},
		tar.Header{Typeflag: tar.TypeReg, Name: "etc/conf", Mode: 0o640},
		tar.Header{Typeflag: tar.TypeSymlink, Name: "link", Linkname: "/etc/conf", Mode: 0o777},
		tar.Header{Typeflag: tar.TypeLink, Name: "hard", Linkname: "app"},
		tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777},
	)
}

func index(t *testing.T) Artifact {
	t.Helper()
	add := func(arch, variant string) mutate.IndexAddendum {
		img := imageFor(t, arch, variant, tar.Header{Typeflag: tar.TypeReg, Name: arch, Mode: 0o755})
		return mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch, Variant: variant}}}
	}
	return Artifact{Index: mutate.AppendManifests(empty.Index, add("amd64", ""), add("arm", "v7"))}
}

// write writes one output and must succeed.
func write(t *testing.T, a Artifact, output string, o Options) Written {
	t.Helper()
	out, err := Parse(output)
	if err != nil {
		t.Fatal(err)
	}
	done, err := Write(t.Context(), a, []Output{out}, o)
	if err != nil {
		t.Fatal(err)
	}
	return done[0]
}

func digestOf(t *testing.T, a interface{ Digest() (v1.Hash, error) }) v1.Hash {
	t.Helper()
	d, err := a.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// listing is every file below dir with its mode and content.
func listing(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		line := info.Mode().String()
		switch {
		case info.Mode().IsRegular():
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += " " + string(data)
		case info.Mode().Type() == fs.ModeSymlink:
			target, _ := os.Readlink(path)
			line += " " + target
		}
		rel, _ := filepath.Rel(dir, path)
		found[filepath.ToSlash(rel)] = line
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// hidden are names that only an unfinished output has.
func hidden(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}
