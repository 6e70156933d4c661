package verify

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/rootfs"
)

// Whiteouts as the OCI layer format writes them.
const (
	whiteout     = ".wh."
	whiteoutMeta = ".wh..wh."
	whiteoutOpq  = ".wh..wh..opq"
)

// tarEntry is one entry of a layer's tar; content is the file's bytes, to be read
// before the next entry.
type tarEntry struct {
	rootfs.Entry
	name     string // as the tar has it
	modified time.Time
	content  io.Reader
}

func (e tarEntry) wrong(err error) error {
	return fmt.Errorf("reading tar entry %q: %w", cut(e.name), err)
}

// walkTar hands out the entries of a tar, with absolute clean names.
func walkTar(r io.Reader, layerIndex int, left *budget, visit func(tarEntry) error) error {
	tr := tar.NewReader(r)
	for position := 0; ; position++ {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) { // names are judged below
			return fmt.Errorf("reading tar: %w", err)
		}
		if left.entries--; left.entries < 0 {
			return fmt.Errorf("more than %d tar entries: %w", left.limits.Entries, ErrLimit)
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		e, err := entryOf(h, rootfs.Location{Layer: layerIndex, Position: position})
		if err != nil {
			return tarEntry{name: h.Name}.wrong(err)
		}
		te := tarEntry{e, h.Name, h.ModTime, tr}
		if err := visit(te); err != nil {
			return te.wrong(err)
		}
	}
}

// entryOf is a header as an entry of the root filesystem.
func entryOf(h *tar.Header, at rootfs.Location) (rootfs.Entry, error) {
	e := rootfs.Entry{
		Mode: plan.Mode(h.Mode & 0o7777), UID: h.Uid, GID: h.Gid,
		Link: h.Linkname, Layer: at.Layer, Size: h.Size, Content: at,
	}
	if clean := path.Clean(h.Name); clean == ".." || strings.HasPrefix(clean, "../") {
		return e, errors.New("the name leads out of the root")
	}
	e.Path = path.Clean("/" + h.Name)
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse, tar.TypeCont:
		e.Type = rootfs.File
	case tar.TypeDir:
		e.Type = rootfs.Dir
	case tar.TypeSymlink:
		e.Type = rootfs.Symlink
	case tar.TypeLink:
		e.Type = rootfs.Hard
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		e.Type = rootfs.Special
	default:
		return e, fmt.Errorf("unknown type %q", h.Typeflag)
	}
	return e, nil
}

// apply puts an entry into the index, or carries out a whiteout.
func apply(x *rootfs.Index, e rootfs.Entry) error {
	dir, name := path.Split(e.Path)
	switch {
	case name == whiteoutOpq:
		return x.Opaque(dir, e.Layer)
	case strings.HasPrefix(name, whiteoutMeta):
		return nil // other unions' bookkeeping, which is not unpacked
	case name == whiteout || name == whiteout+"." || name == whiteout+"..":
		return errors.New("a whiteout of no name")
	case strings.HasPrefix(name, whiteout):
		return x.Whiteout(path.Join(dir, strings.TrimPrefix(name, whiteout)), e.Layer)
	}
	return x.Add(e)
}

// cut keeps a hostile name from filling an error.
func cut(name string) string { return name[:min(len(name), 200)] }
