package testenv

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"runtime"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// hostImage is the image of an OCI layout for this machine's platform. Indexes
// inside the layout's index are followed; attestations have no platform and are not.
func hostImage(dir string) (v1.Image, error) {
	root, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the layout %s: %w", dir, err)
	}
	image, err := findImage(root)
	if err == nil && image == nil {
		err = fmt.Errorf("the layout %s has no image for linux/%s", dir, runtime.GOARCH)
	}
	return image, err
}

func findImage(index v1.ImageIndex) (v1.Image, error) {
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	for _, desc := range manifest.Manifests {
		image, err := imageOf(index, desc)
		if image != nil || err != nil {
			return image, err
		}
	}
	return nil, nil
}

func imageOf(index v1.ImageIndex, desc v1.Descriptor) (v1.Image, error) {
	if desc.MediaType.IsIndex() {
		inner, err := index.ImageIndex(desc.Digest)
		if err != nil {
			return nil, err
		}
		return findImage(inner)
	}
	image, err := index.Image(desc.Digest)
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	if config.OS != "linux" || config.Architecture != runtime.GOARCH {
		return nil, nil
	}
	return image, nil
}

// unpack writes the image's files, with their owners and modes, into dir. It
// follows no link out of it, whatever the image holds.
func unpack(image v1.Image, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	from := mutate.Extract(image)
	defer func() { _ = from.Close() }()
	for r := tar.NewReader(from); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("unpacking the image: %w", err)
		}
		if err := unpackEntry(root, h, r); err != nil {
			return fmt.Errorf("unpacking %s: %w", h.Name, err)
		}
	}
}

func unpackEntry(root *os.Root, h *tar.Header, data io.Reader) error {
	name := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
	if name == "" {
		return nil
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeDir:
		if err := root.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	case tar.TypeReg:
		if err := unpackFile(root, name, data); err != nil {
			return err
		}
	case tar.TypeLink:
		return root.Link(strings.TrimPrefix(path.Clean("/"+h.Linkname), "/"), name)
	case tar.TypeSymlink:
		return errors.Join(root.Symlink(h.Linkname, name), root.Lchown(name, h.Uid, h.Gid))
	default:
		return fmt.Errorf("unexpected type %q", h.Typeflag)
	}
	// Chown clears the special bits, so the mode comes last.
	return errors.Join(root.Lchown(name, h.Uid, h.Gid), root.Chmod(name, h.FileInfo().Mode()))
}

func unpackFile(root *os.Root, name string, data io.Reader) error {
	f, err := root.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, data)
	return errors.Join(err, f.Close())
}
