package layer

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// linkMode is the mode of every symlink on Linux.
const linkMode = 0o777

// writeTar writes entries as containerd's archive.ChangeWriter does.
func writeTar(ctx context.Context, w io.Writer, entries []entry, epoch int64) error {
	tw := tar.NewWriter(w)
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := tw.WriteHeader(header(e, epoch)); err != nil {
			return fmt.Errorf("writing the header of %s: %w", e.file.Path, err)
		}
		if e.data.open == nil {
			continue
		}
		if err := copyContent(tw, e.data); err != nil {
			return fmt.Errorf("writing %s: %w", e.file.Path, err)
		}
	}
	return tw.Close()
}

func header(e entry, epoch int64) *tar.Header {
	h := &tar.Header{
		Typeflag: tar.TypeReg,
		Name:     strings.TrimPrefix(e.file.Path, "/"),
		Mode:     int64(e.file.Mode),
		Uid:      e.file.UID,
		Gid:      e.file.GID,
		Size:     e.data.size,
		ModTime:  time.Unix(epoch, 0),
		// As containerd does; with no record to write it comes out as plain ustar.
		Format: tar.FormatPAX,
	}
	switch s := e.file.Source; {
	case s.Dir:
		h.Typeflag, h.Name = tar.TypeDir, h.Name+"/"
	case s.Symlink != "":
		h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, s.Symlink, linkMode
	}
	return h
}

// copyContent copies as many bytes as the header says, and no file may have more.
func copyContent(w io.Writer, c content) error {
	r, err := c.open()
	if err != nil {
		return err
	}
	defer r.Close()
	n, err := io.Copy(w, io.LimitReader(r, c.size))
	if err != nil {
		return err
	}
	more, err := r.Read(make([]byte, 1))
	if n != c.size || more > 0 {
		return fmt.Errorf("its size changed while it was read")
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
