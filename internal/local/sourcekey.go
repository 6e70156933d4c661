package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/plimsoll-build/plimsoll/internal/gosource"
	"github.com/plimsoll-build/plimsoll/internal/layer"
	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// sourceKey is a digest of all that the go command would read for a compile and that its
// place in the cache does not say already: while it stays, go need not even be asked. Empty
// where that cannot be said for sure.
//
// What comes from the module cache is pinned by go.sum, which is among the files; what the
// toolchain is, by its programs' sizes and times.
func (c compiler) sourceKey(ctx context.Context, p plan.Plan, b plan.Compile) string {
	files := c.context.FS()
	l, err := gosource.List(ctx, files, gosource.Request{
		Dir: b.Dir, Packages: []string{b.Package}, Work: b.Work, Vendored: slices.Contains(b.Flags, "-mod=vendor"),
		Go: p.Go, Tags: b.Tags, Env: b.Env,
	})
	if err != nil {
		return "" // the go command says what is wrong, or knows better
	}
	key := sha256.New()
	if b.Hook != nil {
		fmt.Fprintf(key, "hook %q %x\n", b.Hook.Path, sha256.Sum256([]byte(b.Hook.Content)))
	}
	for _, name := range slices.Concat(l.Files, l.Vendor) {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return ""
		}
		fmt.Fprintf(key, "%q %x\n", name, sha256.Sum256(data))
	}
	for _, link := range l.Symlinks {
		target, err := fs.ReadLink(files, link)
		if err != nil {
			return ""
		}
		fmt.Fprintf(key, "%q -> %q\n", link, target)
	}
	tools := filepath.Join("pkg", "tool", runtime.GOOS+"_"+runtime.GOARCH)
	for _, program := range []string{"VERSION", filepath.Join("bin", "go"), filepath.Join(tools, "asm"), filepath.Join(tools, "compile"), filepath.Join(tools, "link")} {
		info, err := os.Stat(filepath.Join(c.tool.Root, program))
		if err != nil {
			return ""
		}
		fmt.Fprintf(key, "%s %d %d\n", program, info.Size(), info.ModTime().UnixNano())
	}
	return hex.EncodeToString(key.Sum(nil))
}

// made is the record beside a kept binary: what it was made of, and what it is.
type made struct {
	Key    string `json:"key"`
	SHA256 string `json:"sha256"`
	// Size in bytes and ModTime in nanoseconds are the file's when its sum was taken.
	Size    int64 `json:"size"`
	ModTime int64 `json:"modTime"`
}

// whole reads the record of a binary that is what its record says; it is empty if nothing is
// kept. For the same sources size and time are enough, since most builds go on with the sum alone,
// and who reads the file compares it (layer.Sources). A damaged one goes: go would not notice. For
// others it is go that says what becomes of the file.
func (k keptBinary) whole(key string) (made, error) {
	data, err := os.ReadFile(k.record)
	if err != nil {
		return made{}, nil //nolint:nilerr // nothing is known
	}
	var m made
	info, err := os.Stat(k.file)
	if json.Unmarshal(data, &m) != nil || err != nil || info.Size() != m.Size {
		return made{}, k.discard()
	}
	switch {
	case m.Key == "" || m.Key != key:
	case info.ModTime().UnixNano() == m.ModTime:
		now := time.Now()
		_ = os.Chtimes(k.record, now, now) // what prunes the cache goes by the last use
	default: // a copied cache has other times
		if sum, err := layer.FileSum(k.file); err != nil || sum != m.SHA256 {
			return made{}, k.discard()
		}
		k.remember(m.Key, m.SHA256)
	}
	return m, nil
}

// remember writes the record. It only saves time; half a record is none.
func (k keptBinary) remember(key, sum string) {
	info, err := os.Stat(k.file)
	if err != nil || key == "" {
		return
	}
	if data, err := json.Marshal(made{key, sum, info.Size(), info.ModTime().UnixNano()}); err == nil {
		_ = os.WriteFile(k.record, data, 0o644)
	}
}
