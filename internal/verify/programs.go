package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/rootfs"
)

// entry is what a container of the image starts.
type entry struct {
	argv0 string // as the config names it; empty if it names nothing
	// candidates are the paths that argv0 can mean, in the order in which they are tried.
	candidates []string
}

// defaultPath is what container runtimes search where Env has no PATH.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func entryOfConfig(c plan.RunConfig) entry {
	argv := slices.Concat(c.Entrypoint, c.Cmd)
	if len(argv) == 0 || argv[0] == "" {
		return entry{}
	}
	e := entry{argv0: argv[0]}
	if strings.Contains(e.argv0, "/") {
		name := e.argv0
		if !path.IsAbs(name) {
			name = path.Join("/", c.WorkingDir, name)
		}
		e.candidates = []string{path.Clean(name)}
		return e
	}
	search := defaultPath
	for _, v := range c.Env {
		if value, ok := strings.CutPrefix(v, "PATH="); ok {
			search = value
		}
	}
	const most = 64
	for _, dir := range strings.SplitN(search, ":", most) {
		e.candidates = append(e.candidates, path.Join("/", dir, e.argv0))
	}
	return e
}

// find is where the entrypoint leads to, or why nowhere.
func (e entry) find(x *rootfs.Index) (rootfs.Entry, error) {
	if e.argv0 == "" {
		return rootfs.Entry{}, errors.New("the config has neither entrypoint nor command")
	}
	var errs []error
	for _, p := range e.candidates {
		found, err := x.Resolve(p)
		if err == nil {
			return found, nil
		}
		errs = append(errs, err)
	}
	return rootfs.Entry{}, errors.Join(errs...)
}

// findPrograms looks up the labelled binaries and, if it is none of them, the
// entrypoint in the finished root, and takes or reads their bytes.
func (in *inspection) findPrograms(ctx context.Context, blobs []blob, left *budget, seen *catch) error {
	if e, err := in.root.Resolve(passwdPath); err == nil && e.Type == rootfs.File && e.Content == seen.passwdAt {
		in.passwd = seen.passwd
	}
	for _, p := range labelledPaths(in.config.Config) {
		found, err := in.root.Resolve(p)
		if err := in.addProgram(ctx, p, found, err, blobs, left, seen); err != nil {
			return err
		}
	}
	found, err := in.entry.find(in.root)
	if err != nil || slices.ContainsFunc(in.programs, func(p program) bool { return p.real == found.Path }) {
		return nil //nolint:nilerr // judgeEntrypoint says so
	}
	return in.addProgram(ctx, in.entry.argv0, found, nil, blobs, left, seen)
}

func (in *inspection) addProgram(ctx context.Context, name string, e rootfs.Entry, missing error, blobs []blob, left *budget, seen *catch) error {
	p := program{err: missing}
	if missing == nil && e.Type != rootfs.File {
		p.err = fmt.Errorf("%s is a %s", e.Path, e.Type)
	}
	if p.err == nil {
		var err error
		if p, err = in.program(ctx, e, blobs, left, seen); err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		p.real = e.Path
	}
	p.path = name
	in.programs = append(in.programs, p)
	return nil
}

// program is the file of an entry: caught on the way, or read again.
func (in *inspection) program(ctx context.Context, e rootfs.Entry, blobs []blob, left *budget, seen *catch) (program, error) {
	for _, c := range seen.programs {
		if c.at == e.Content {
			return c.program, nil
		}
	}
	var p program
	var found bool
	_, err := readLayer(ctx, blobs[e.Content.Layer], left, func(tar io.Reader) error {
		return walkTar(tar, e.Content.Layer, left, func(te tarEntry) error {
			if te.Content != e.Content {
				return nil
			}
			var err error
			found = true
			p, err = readProgram(te.content, te.Size, in.subject.Limits.Binary)
			return err
		})
	})
	if err == nil && !found {
		err = errors.New("the layer changed between two readings")
	}
	return p, err
}
