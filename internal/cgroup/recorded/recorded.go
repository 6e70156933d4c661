// Package recorded makes file trees of text, for tests: what /proc and /sys of a
// machine say, one file after the other in a txtar archive. It knows nothing of what
// the files mean, and nothing that ships imports it.
//
// Three things that an archive has no form for are written as a file's content:
// "-> TARGET" is a symbolic link, "!EACCES" a file that may not be read, and a name
// that ends in a slash an empty directory.
package recorded

import (
	"io/fs"
	"path"
	"strings"
	"syscall"
	"testing/fstest"

	"golang.org/x/tools/txtar"
)

// Tree is a recorded file tree. Reading a link is part of it (io/fs.ReadLinkFS).
type Tree struct{ fstest.MapFS }

// Parse reads an archive, and the text before its first file.
func Parse(data []byte) (Tree, string) {
	a := txtar.Parse(data)
	t := Tree{fstest.MapFS{}}
	for _, f := range a.Files {
		name, text := strings.TrimPrefix(f.Name, "/"), string(f.Data)
		switch {
		case strings.HasSuffix(name, "/"):
			t.MapFS[path.Clean(name)] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
		case strings.HasPrefix(text, "-> "):
			t.MapFS[name] = &fstest.MapFile{Data: []byte(strings.TrimSpace(text[3:])), Mode: fs.ModeSymlink | 0o777}
		default:
			t.MapFS[name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
		}
	}
	return t, string(a.Comment)
}

// Open refuses the files that may not be read.
func (t Tree) Open(name string) (fs.File, error) {
	if f, ok := t.MapFS[name]; ok && f.Mode.IsRegular() && strings.TrimSpace(string(f.Data)) == "!EACCES" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EACCES}
	}
	return t.MapFS.Open(name)
}

// ReadFile must not go around Open.
func (t Tree) ReadFile(name string) ([]byte, error) {
	if _, err := t.Open(name); err != nil {
		return nil, err
	}
	return t.MapFS.ReadFile(name)
}
