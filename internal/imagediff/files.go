package imagediff

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"time"
)

// Bounds of a listing and of a program that is looked into.
const (
	maxEntries = 1 << 20
	maxNames   = 256 << 20 // bytes of all names together
	maxProgram = 256 << 20
	maxOpened  = 4 // programs of one layer that are looked into
)

// entry is a member of a tar, its content as a digest.
type entry struct {
	kind     byte
	mode     int64
	uid, gid int
	size     int64
	link     string
	modified time.Time
	sum      [sha256.Size]byte
	elf      bool
}

type opener = func(context.Context) (io.ReadCloser, error)

// walk hands out the members of a tar by their absolute names.
func walk(ctx context.Context, open opener, visit func(name string, h *tar.Header, content io.Reader) error) error {
	rc, err := open(ctx)
	if err != nil {
		return err
	}
	defer rc.Close()
	tr := tar.NewReader(rc)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return fmt.Errorf("reading tar: %w", err)
		}
		if err := visit(path.Clean("/"+h.Name), h, tr); err != nil {
			return err
		}
	}
}

// list is what a tar holds; of a name that stands there twice, the last.
func list(ctx context.Context, open opener) (map[string]entry, error) {
	all, names := map[string]entry{}, 0
	err := walk(ctx, open, func(name string, h *tar.Header, content io.Reader) error {
		if names += len(name) + len(h.Linkname); len(all) >= maxEntries || names > maxNames {
			return errors.New("the layer has more entries than are compared")
		}
		e := entry{kind: h.Typeflag, mode: h.Mode, uid: h.Uid, gid: h.Gid, size: h.Size, link: h.Linkname, modified: h.ModTime.UTC()}
		head := make([]byte, 4)
		n, err := io.ReadFull(content, head)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		e.elf = bytes.Equal(head[:n], []byte("\x7fELF"))
		sum := sha256.New()
		sum.Write(head[:n])
		if _, err := io.Copy(sum, content); err != nil {
			return err
		}
		copy(e.sum[:], sum.Sum(nil))
		all[name] = e
		return nil
	})
	return all, err
}

// files compares the members of two layers that are not the same.
func (c *comparison) files(ctx context.Context, got, want opener) error {
	a, err := list(ctx, got)
	if err != nil {
		return err
	}
	b, err := list(ctx, want)
	if err != nil {
		return err
	}
	before, opened := len(c.found), 0
	for _, name := range union(a, b) {
		one, other := a[name], b[name]
		if one == other {
			continue
		}
		if len(c.found)-before >= maxDifferences {
			c.add("and", "more files that differ", "none")
			return nil
		}
		_, inA := a[name]
		_, inB := b[name]
		if !inA || !inB {
			c.add(name, present(inA), present(inB))
			continue
		}
		c.entry(name, one, other)
		if one.sum != other.sum && one.elf && other.elf && opened < maxOpened {
			opened++
			if err := c.programs(ctx, name, got, want); err != nil {
				return fmt.Errorf("comparing %s: %w", name, err)
			}
		}
	}
	if len(c.found) == before {
		c.add("tar", "members in another order or form", "the same members")
	}
	return nil
}

func present(is bool) string {
	if is {
		return "there"
	}
	return "absent"
}

// entry names what of two members differs.
func (c *comparison) entry(name string, a, b entry) {
	for _, f := range []struct{ what, got, want string }{
		{"type", string(rune(a.kind)), string(rune(b.kind))},
		{"mode", fmt.Sprintf("%04o", a.mode), fmt.Sprintf("%04o", b.mode)},
		{"owner", fmt.Sprintf("%d:%d", a.uid, a.gid), fmt.Sprintf("%d:%d", b.uid, b.gid)},
		{"link", a.link, b.link},
		{"time", a.modified.Format(time.RFC3339Nano), b.modified.Format(time.RFC3339Nano)},
		{"size", fmt.Sprint(a.size), fmt.Sprint(b.size)},
		{"sha256", hex.EncodeToString(a.sum[:]), hex.EncodeToString(b.sum[:])},
	} {
		if f.got != f.want {
			c.add(name+" "+f.what, f.got, f.want)
		}
	}
}

// programs puts both into temporary files, since ELF is not read in one direction.
func (c *comparison) programs(ctx context.Context, name string, got, want opener) error {
	a, err := spool(ctx, got, name)
	if err != nil {
		return err
	}
	defer discard(a)
	b, err := spool(ctx, want, name)
	if err != nil {
		return err
	}
	defer discard(b)
	c.elf(name, a, b)
	return nil
}

func spool(ctx context.Context, open opener, name string) (*os.File, error) {
	f, err := os.CreateTemp("", "plimsoll-diff-")
	if err != nil {
		return nil, err
	}
	err = walk(ctx, open, func(at string, h *tar.Header, content io.Reader) error {
		if at != name {
			return nil
		}
		if h.Size > maxProgram {
			return fmt.Errorf("a program of %d bytes is more than is compared", h.Size)
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if err := f.Truncate(0); err != nil {
			return err
		}
		_, err := io.Copy(f, content)
		return err
	})
	if err != nil {
		discard(f)
		return nil, err
	}
	return f, nil
}

func discard(f *os.File) {
	f.Close()
	os.Remove(f.Name())
}
