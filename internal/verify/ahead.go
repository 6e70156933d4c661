package verify

import (
	"context"
	"errors"
	"io"
	"maps"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// Ahead reads layers while they are made, so that it does not take long to judge an image that
// has them. It judges nothing: what it read of a layer stands for the blob that has the same
// digest and size, and for no other.
type Ahead struct {
	names  map[string]bool // of the files that are wanted
	mu     sync.Mutex      // held while a layer is read: its program is in memory, and one is enough
	layers map[v1.Hash]contents
}

// NewAhead is for images that will have one of these configs.
func NewAhead(configs ...plan.RunConfig) *Ahead {
	a := &Ahead{names: map[string]bool{}, layers: map[v1.Hash]contents{}}
	for _, c := range configs {
		maps.Copy(a.names, wantedBy(c))
	}
	return a
}

// contents is all that is wanted of a layer. Its places in the image are those of the lowest layer.
type contents struct {
	layer
	entries []tarEntry
	bytes   int64 // uncompressed
	count   int   // of tar entries, with those that are none of the root's
	catch
}

// Read reads a layer as it is stored. It may be called from several goroutines at once, of which
// one is served. A layer that it does not read, or fails to, is read when its image is judged.
func (a *Ahead) Read(ctx context.Context, compressed io.Reader) {
	if !a.mu.TryLock() {
		return
	}
	defer a.mu.Unlock()
	limits := Limits{}.withDefaults()
	left := limits.budget()
	c := contents{catch: newCatch(a.names, limits)}
	var err error
	c.layer, err = readLayer(ctx, blob{open: func() (io.ReadCloser, error) { return io.NopCloser(compressed), nil }}, left, func(tar io.Reader) error {
		return walkTar(tar, 0, left, func(e tarEntry) error {
			err := c.take(e)
			e.content = nil
			c.entries = append(c.entries, e)
			return err
		})
	})
	if err != nil || c.err != nil {
		return
	}
	c.bytes, c.count = limits.Uncompressed-left.bytes, limits.Entries-left.entries
	a.layers[c.digest] = c
}

// find is what was read of a blob, if that is all that is wanted of it.
func (a *Ahead) find(b blob, names map[string]bool) (contents, bool) {
	if a == nil || b.desc == nil {
		return contents{}, false
	}
	for name := range names {
		if !a.names[name] {
			return contents{}, false
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	c, ok := a.layers[b.desc.Digest]
	return c, ok && c.size == b.desc.Size
}

// readAhead takes a layer that was read before as if it were read now; ok is false where there
// is none that would be the same.
func (in *inspection) readAhead(i int, b blob, left *budget, seen *catch) (l layer, ok bool, err error) {
	c, ok := in.subject.Ahead.find(b, seen.names)
	if !ok || c.bytes > left.bytes || c.count > left.entries || seen.limit != c.limit {
		return layer{}, false, nil
	}
	left.bytes, left.entries = left.bytes-c.bytes, left.entries-c.count
	l = c.layer
	l.desc = b.desc
	for _, e := range c.entries {
		e.Layer, e.Content.Layer = i, i
		if err := in.see(e); err != nil {
			if l.err = e.wrong(err); errors.Is(err, ErrLimit) {
				return l, true, l.err
			}
			return l, true, nil
		}
	}
	seen.add(c.catch, i)
	return l, true, nil
}
