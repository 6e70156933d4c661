package testenv

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// imageTime stamps everything in the base images: they only depend on their content.
var imageTime = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// layerWriter writes the files of one layer; the first error sticks.
type layerWriter struct {
	tar  *tar.Writer
	made map[string]bool
	err  error
}

// writeLayer makes a compressed layer in the file named.
func writeLayer(file string, fill func(*layerWriter)) (v1.Layer, error) {
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	zip, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	w := &layerWriter{tar: tar.NewWriter(zip), made: map[string]bool{".": true}}
	fill(w)
	if err := errors.Join(w.err, w.tar.Close(), zip.Close(), f.Close()); err != nil {
		return nil, err
	}
	return tarball.LayerFromFile(file)
}

func (w *layerWriter) header(h tar.Header) {
	h.ModTime, h.Format = imageTime, tar.FormatPAX
	if w.err == nil {
		w.err = w.tar.WriteHeader(&h)
	}
}

// dir adds a directory, and those above it as root's.
func (w *layerWriter) dir(name string, mode int64, uid int) {
	if name = clean(name); w.made[name] {
		return
	}
	w.parents(name)
	w.made[name] = true
	w.header(tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode, Uid: uid, Gid: uid})
}

func (w *layerWriter) parents(name string) {
	if parent := path.Dir(name); !w.made[parent] {
		w.dir(parent, 0o755, 0)
	}
}

func (w *layerWriter) file(name string, mode int64, data []byte) {
	w.copy(name, mode, int64(len(data)), strings.NewReader(string(data)))
}

func (w *layerWriter) copy(name string, mode, size int64, from io.Reader) {
	name = clean(name)
	w.parents(name)
	w.header(tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: size})
	if w.err == nil {
		_, w.err = io.Copy(w.tar, from)
	}
}

// tree copies a directory of this machine. Files are 0644, or 0755 if executable.
func (w *layerWriter) tree(source, target string, skip func(rel string, d fs.DirEntry) bool) {
	walk := func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(source, file)
		if err != nil {
			return err
		}
		switch name := path.Join(target, filepath.ToSlash(rel)); {
		case skip != nil && skip(rel, d) && d.IsDir():
			return filepath.SkipDir
		case skip != nil && skip(rel, d):
		case d.IsDir():
			w.dir(name, 0o755, 0)
		case d.Type().IsRegular():
			w.hostFile(file, name)
		}
		return w.err
	}
	if err := filepath.WalkDir(source, walk); w.err == nil {
		w.err = err
	}
}

// hostFile copies one file of this machine.
func (w *layerWriter) hostFile(file, name string) {
	f, err := os.Open(file)
	if err != nil {
		w.err = errors.Join(w.err, err)
		return
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		w.err = errors.Join(w.err, err)
		return
	}
	mode := int64(0o644)
	if info.Mode()&0o111 != 0 {
		mode = 0o755
	}
	w.copy(name, mode, info.Size(), f)
}

func clean(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }
