//go:build unix

package layer

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/pkg/archive"
	continuity "github.com/containerd/continuity/fs"
	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// The same files on a disk, written by the code that writes BuildKit's layers,
// give the same bytes.
func TestTarIsContainerds(t *testing.T) {
	const epoch = 1_700_000_000
	id := plan.File{UID: os.Getuid(), GID: os.Getgid()}
	own := func(path string, mode plan.Mode, s plan.Source) plan.File {
		f := id
		f.Path, f.Mode, f.Source = path, mode, s
		return f
	}
	long := "/data/" + string(bytes.Repeat([]byte("long-name-"), 12))
	l := plan.Layer{Name: "files", Files: []plan.File{
		own("/app", 0o755, plan.Source{Inline: []byte("binary")}),
		own("/data", 0o755, plan.Source{Dir: true}),
		own("/data/a", 0o755, plan.Source{Dir: true}),
		own("/data/a/ü", 0o400, plan.Source{Inline: []byte("not ASCII")}),
		own("/data/a-b", 0o644, plan.Source{Inline: bytes.Repeat([]byte("x"), 1500)}),
		own(long, 0o644, plan.Source{Inline: []byte("a name that ustar cannot hold")}),
		own("/link", 0, plan.Source{Symlink: "data/a"}),
		own("/tmp", 0o1777, plan.Source{Dir: true}),
	}}
	entries, err := expand(l, Sources{})
	if err != nil {
		t.Fatal(err)
	}
	var ours, theirs bytes.Buffer
	if err := writeTar(t.Context(), &ours, entries, epoch); err != nil {
		t.Fatal(err)
	}

	root := t.TempDir()
	for _, f := range l.Files {
		place(t, filepath.Join(root, f.Path), f)
	}
	w := archive.NewChangeWriter(&theirs, root)
	upper := time.Unix(epoch, 0)
	err = filepath.Walk(root, func(path string, info fs.FileInfo, err error) error {
		if err != nil || path == root {
			return err
		}
		if err := os.Chtimes(path, upper, upper); err != nil && info.Mode().Type() != fs.ModeSymlink {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		if info, err = os.Lstat(path); err != nil {
			return err
		}
		return w.HandleChange(continuity.ChangeKindAdd, "/"+rel, stamped{info, upper}, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(ours.Bytes(), theirs.Bytes()) {
		t.Errorf("tar differs from containerd's:\n%s", cmp.Diff(headers(t, theirs.Bytes()), headers(t, ours.Bytes())))
	}
}

// stamped has the epoch as its time: os.Chtimes cannot set a link's.
type stamped struct {
	fs.FileInfo
	time time.Time
}

func (s stamped) ModTime() time.Time { return s.time }

func place(t *testing.T, path string, f plan.File) {
	t.Helper()
	var err error
	switch {
	case f.Source.Dir:
		err = os.Mkdir(path, 0o700)
	case f.Source.Symlink != "":
		err = os.Symlink(f.Source.Symlink, path)
	default:
		err = os.WriteFile(path, f.Source.Inline, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if f.Source.Symlink == "" {
		mode := fs.FileMode(f.Mode) & fs.ModePerm
		if f.Mode&0o1000 != 0 {
			mode |= fs.ModeSticky
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
}
