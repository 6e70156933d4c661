package export

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// prefix is the directory of a platform when there are several: linux_arm_v7.
func (i platformImage) prefix() string {
	if i.platform == nil {
		return ""
	}
	parts := []string{i.platform.OS, i.platform.Architecture, i.platform.Variant}
	return strings.TrimSuffix(strings.Join(parts, "_"), "_")
}

// eachEntry walks the root filesystem of an image.
func eachEntry(ctx context.Context, img v1.Image, visit func(*tar.Header, io.Reader) error) error {
	r := mutate.Extract(img)
	defer r.Close()
	for tr := tar.NewReader(canceller{ctx, r}); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			// mutate.Extract ends the tar after an error too, and reports it behind the end.
			if _, err = io.Copy(io.Discard, r); err == nil {
				return nil
			}
		}
		if err != nil {
			return fmt.Errorf("reading the root filesystem: %w", err)
		}
		if err := visit(h, tr); err != nil {
			return fmt.Errorf("placing %s: %w", h.Name, err)
		}
	}
}

// writeRootTar writes the root filesystem as a tar, with a directory for each
// platform if there are several.
func writeRootTar(ctx context.Context, w io.Writer, a Artifact) error {
	images, err := a.images()
	if err != nil {
		return err
	}
	tw := tar.NewWriter(w)
	for _, i := range images {
		err := eachEntry(ctx, i.image, func(h *tar.Header, r io.Reader) error {
			h.Name = path.Join(i.prefix(), h.Name)
			switch h.Typeflag {
			case tar.TypeDir:
				h.Name += "/"
			case tar.TypeLink:
				h.Linkname = path.Join(i.prefix(), h.Linkname)
			}
			if err := tw.WriteHeader(h); err != nil {
				return err
			}
			_, err := io.Copy(tw, r)
			return err
		})
		if err != nil {
			return err
		}
	}
	return tw.Close()
}

// unpackAll unpacks the root filesystem, or that of each platform, below dir.
func unpackAll(ctx context.Context, dir string, a Artifact) error {
	images, err := a.images()
	if err != nil {
		return err
	}
	for _, i := range images {
		sub := filepath.Join(dir, i.prefix())
		if err := os.MkdirAll(sub, 0o755); err != nil {
			return err
		}
		if err := unpack(ctx, sub, i.image); err != nil {
			return err
		}
	}
	return nil
}

// unpacker writes below one directory; os.Root keeps a hostile layer in there.
type unpacker struct {
	root *os.Root
	// dirs are the directories, whose modes and times are set last.
	dirs []*tar.Header
}

// unpack writes files with their modes and times. Owners are the caller's, set-ID
// bits are dropped and devices are left out, as for buildx's local exporter.
func unpack(ctx context.Context, dir string, img v1.Image) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	u := &unpacker{root: root}
	if err := eachEntry(ctx, img, u.place); err != nil {
		return err
	}
	for _, h := range slices.Backward(u.dirs) {
		if err := u.finish(h); err != nil {
			return fmt.Errorf("placing %s: %w", h.Name, err)
		}
	}
	return nil
}

func (u *unpacker) place(h *tar.Header, r io.Reader) error {
	name := filepath.FromSlash(strings.TrimPrefix(path.Clean("/"+h.Name), "/"))
	if name == "" {
		return nil
	}
	if err := u.root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	h.Name = name
	switch h.Typeflag {
	case tar.TypeDir:
		u.dirs = append(u.dirs, h)
		return u.root.MkdirAll(name, 0o755)
	case tar.TypeSymlink:
		return u.root.Symlink(h.Linkname, name)
	case tar.TypeLink:
		return u.root.Link(filepath.FromSlash(strings.TrimPrefix(path.Clean("/"+h.Linkname), "/")), name)
	case tar.TypeReg:
		return u.file(h, r)
	}
	return nil
}

func (u *unpacker) file(h *tar.Header, r io.Reader) error {
	f, err := u.root.OpenFile(h.Name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return u.finish(h)
}

func (u *unpacker) finish(h *tar.Header) error {
	if err := u.root.Chmod(h.Name, h.FileInfo().Mode()&(fs.ModePerm|fs.ModeSticky)); err != nil {
		return err
	}
	return u.root.Chtimes(h.Name, time.Time{}, h.ModTime)
}

// fillDirectory fills a new directory, and moves it to dest or, file by file, into
// the directory that is there: what else it holds stays.
func fillDirectory(dest string, fill func(dir string) error) error {
	dest, err := resolveDir(dest)
	if err != nil {
		return err
	}
	info, err := os.Stat(dest)
	if err == nil && !info.IsDir() {
		return fmt.Errorf("%s is a file, and this output is a directory", dest)
	}
	exists := err == nil
	return inNewDirectory(dest, fill, func(dir string) error {
		if !exists {
			return os.Rename(dir, dest)
		}
		return moveInto(dir, dest)
	})
}

// moveInto renames what from holds into to; directories on both sides are merged.
func moveInto(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		a, b := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		info, err := os.Lstat(b)
		if e.IsDir() && err == nil && info.IsDir() {
			err = moveInto(a, b)
		} else {
			err = os.Rename(a, b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
