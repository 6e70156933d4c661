package layer

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
)

// growing is a file that is read from the disk while it is written.
type growing struct {
	file    *os.File
	mu      sync.Mutex
	changed *sync.Cond
	size    int64
	end     error // nil until nothing more comes
}

func (g *growing) Write(p []byte) (int, error) {
	n, err := g.file.Write(p)
	g.mu.Lock()
	g.size += int64(n)
	g.mu.Unlock()
	g.changed.Broadcast()
	return n, err
}

// finish says that nothing more comes: the file is complete, or err says why it is not.
func (g *growing) finish(err error) {
	g.mu.Lock()
	if g.end = io.EOF; err != nil {
		g.end = err
	}
	g.mu.Unlock()
	g.changed.Broadcast()
}

// written waits until there is more than off bytes, and returns how many there are.
func (g *growing) written(off int64) (int64, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.size <= off && g.end == nil {
		g.changed.Wait()
	}
	if g.size <= off || !errors.Is(g.end, io.EOF) && g.end != nil {
		return 0, g.end
	}
	return g.size, nil
}

// follower reads a growing file to its end.
type follower struct {
	from *growing
	off  int64
}

func (f *follower) Read(p []byte) (int, error) {
	size, err := f.from.written(f.off)
	if err != nil {
		return 0, err
	}
	n, err := f.from.file.ReadAt(p[:min(int64(len(p)), size-f.off)], f.off)
	f.off += int64(n)
	return n, err
}

// followed lets follow read what write puts into a file, beside it, and returns when both are done.
func followed(ctx context.Context, f *os.File, follow func(context.Context, io.Reader), write func(io.Writer) error) error {
	if follow == nil {
		return write(f)
	}
	g, done := &growing{file: f}, make(chan struct{})
	g.changed = sync.NewCond(&g.mu)
	go func() {
		defer close(done)
		follow(ctx, &follower{from: g})
	}()
	err := write(g)
	g.finish(err)
	<-done
	return err
}
