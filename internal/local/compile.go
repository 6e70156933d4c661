package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/rogpeppe/go-internal/lockedfile"

	"github.com/plimsoll-build/plimsoll/internal/gotool"
	"github.com/plimsoll-build/plimsoll/internal/layer"
	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// compiler runs compiles of one build context.
type compiler struct {
	tool    gotool.Tool
	context *Context
	// cacheDir keeps the binaries and overlays.
	cacheDir string
}

// compile makes a binary at file and returns its sha256, or what to do with that once
// somebody has read the file. Its copy in the cache stays where it is: while nothing changed
// that go would read, it is taken as it is, and else go may find it up to date and not link again.
func (c compiler) compile(ctx context.Context, p plan.Plan, b plan.Compile, file string) (sum string, tell func(sum string), err error) {
	kept, unlock, err := c.kept(ctx, b)
	if err != nil {
		return "", nil, err
	}
	defer unlock()
	key := c.sourceKey(ctx, p, b)
	was, err := kept.whole(key)
	if err != nil {
		return "", nil, fmt.Errorf("preparing the cache of %s: %w", b.Name, err)
	}
	if key != "" && was.Key == key {
		return was.SHA256, nil, snapshot(kept.file, file)
	}
	if sum, err = c.renew(ctx, p, b, kept, was); err != nil {
		return "", nil, err
	}
	info, err := kept.end()
	if err != nil {
		return "", nil, fmt.Errorf("keeping %s: %w", b.Name, err)
	}
	unedited := make(chan bool, 1)
	go func() { unedited <- c.sourceKey(ctx, p, b) == key }()
	tell = func(sum string) {
		if <-unedited { // while go was reading
			c.remember(ctx, b, info, key, sum)
		}
	}
	return sum, tell, snapshot(kept.file, file)
}

// remember writes the record of a binary, unless another build has replaced it or nobody read it.
func (c compiler) remember(ctx context.Context, b plan.Compile, made fs.FileInfo, key, sum string) {
	if sum == "" {
		return
	}
	kept, unlock, err := c.kept(ctx, b)
	if err != nil {
		return
	}
	defer unlock()
	if info, err := os.Stat(kept.file); err == nil && os.SameFile(made, info) && info.ModTime().Equal(made.ModTime()) {
		kept.remember(key, sum)
	}
}

// renew builds the binary in the cache. Go takes the one that is there for up to date by the ID near
// its start: if it left it as it is, its bytes have to be those of its record, and that is their sum.
func (c compiler) renew(ctx context.Context, p plan.Plan, b plan.Compile, kept keptBinary, was made) (sum string, err error) {
	if err := kept.begin(); err != nil {
		return "", fmt.Errorf("preparing the cache of %s: %w", b.Name, err)
	}
	if f, err := os.Open(kept.file); err == nil && runtime.GOOS != "windows" { // where nobody may remove an open file
		defer f.Close() // or its number might be that of the new file
	}
	before, _ := os.Stat(kept.file)
	err = c.build(ctx, p, b, kept.file)
	after, _ := os.Stat(kept.file)
	if was.SHA256 != "" && os.SameFile(before, after) {
		if got, unread := layer.FileSum(kept.file); unread != nil || got != was.SHA256 {
			if err := kept.discard(); err != nil {
				return "", fmt.Errorf("dropping a damaged binary of the cache: %w", err)
			}
			return c.renew(ctx, p, b, kept, made{})
		}
		sum = was.SHA256
	}
	if err != nil {
		return "", errors.Join(err, kept.discard())
	}
	return sum, nil
}

// build runs the go command and checks what it made. There is no fetch step: go build gets
// the modules it needs, which may be fewer than are listed.
func (c compiler) build(ctx context.Context, p plan.Plan, b plan.Compile, file string) error {
	module, err := c.context.files.resolve("open", b.Dir, true)
	if err != nil {
		return fmt.Errorf("finding its module: %w", err)
	}
	overlay, err := c.context.overlay(c.cacheDir, b.Hook)
	if err != nil {
		return err
	}
	paths := plan.Paths{Context: c.context.Dir, Out: file, Overlay: overlay}
	argv, err := plan.Argv(plan.Link, b, paths)
	if err != nil {
		return err
	}
	_, err = c.tool.Run(ctx, gotool.Command{
		Argv: argv, Env: plan.Environ(b, paths), Context: c.context.Dir,
		Dir: filepath.Join(c.context.Dir, filepath.FromSlash(module)),
	})
	if err != nil {
		return c.context.hides(err)
	}
	if err := checkBinary(file, p.Platform.Architecture, b.Hook); err != nil {
		return fmt.Errorf("checking %s: %w", b.Name, err)
	}
	return nil
}

// forget drops what is kept of a plan's binaries.
func (c compiler) forget(ctx context.Context, p plan.Plan) error {
	for _, b := range p.Compiles {
		kept, unlock, err := c.kept(ctx, b)
		if err != nil {
			return err
		}
		err = kept.discard()
		unlock()
		if err != nil {
			return fmt.Errorf("dropping a damaged binary of the cache: %w", err)
		}
	}
	return nil
}

// kept is where a binary is kept, locked.
func (c compiler) kept(ctx context.Context, b plan.Compile) (_ keptBinary, unlock func(), err error) {
	dir, err := c.place(b)
	if err != nil {
		return keptBinary{}, nil, err
	}
	if unlock, err = lock(ctx, dir+".lock"); err != nil {
		return keptBinary{}, nil, fmt.Errorf("waiting for another build of %s: %w", b.Name, err)
	}
	return keptBinary{file: filepath.Join(dir, b.Name), mark: dir + ".size", record: dir + ".made"}, unlock, nil
}

// place is the directory of the cache for a compile: equal command lines,
// environments and places share one.
func (c compiler) place(b plan.Compile) (string, error) {
	paths := plan.Paths{Context: c.context.Dir}
	argv, err := plan.Argv(plan.Link, b, paths)
	if err != nil {
		return "", err
	}
	data, err := json.Marshal([]any{argv, plan.Environ(b, paths), c.context.Dir, b.Dir, b.Name, c.tool.Root, c.tool.Version})
	if err != nil {
		return "", fmt.Errorf("encoding the cache key of %s: %w", b.Name, err)
	}
	sum := sha256.Sum256(data)
	dir := filepath.Join(c.cacheDir, binDir, hex.EncodeToString(sum[:16]))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("making the binary cache: %w", err)
	}
	return dir, nil
}

// lock waits for a lock file, or for the end of ctx.
func lock(ctx context.Context, file string) (unlock func(), err error) {
	type held struct {
		unlock func()
		err    error
	}
	done := make(chan held, 1)
	go func() {
		unlock, err := lockedfile.MutexAt(file).Lock()
		done <- held{unlock, err}
	}()
	select {
	case h := <-done:
		return h.unlock, h.err
	case <-ctx.Done():
		go func() { // the wait itself cannot be ended
			if h := <-done; h.err == nil {
				h.unlock()
			}
		}()
		return nil, ctx.Err()
	}
}

// keptBinary is a binary in the cache with a mark that holds its size. Go takes a
// file for up to date by the ID near its start: a half-written one must go.
type keptBinary struct{ file, mark, record string }

func (k keptBinary) begin() error {
	if err := os.Remove(k.record); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	mark, _ := os.ReadFile(k.mark)
	info, err := os.Stat(k.file)
	if err == nil && strconv.FormatInt(info.Size(), 10) == string(mark) {
		return os.Remove(k.mark)
	}
	return k.discard()
}

// end marks a complete binary, of which it returns what tells it from one that another build makes.
func (k keptBinary) end() (fs.FileInfo, error) {
	info, err := os.Stat(k.file)
	if err != nil {
		return nil, err
	}
	return info, os.WriteFile(k.mark, []byte(strconv.FormatInt(info.Size(), 10)), 0o644)
}

func (k keptBinary) discard() error {
	for _, file := range []string{k.file, k.mark, k.record} {
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// snapshot gives the binary a second name that a later build of it, which
// replaces the file, does not touch. Where links are not to be had, it is copied.
func snapshot(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("copying a binary out of the cache: %w", err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return fmt.Errorf("copying a binary out of the cache: %w", err)
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
