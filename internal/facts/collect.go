package facts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/containerd/platforms"
)

// Collect gathers what the query asks for of the build context. An Error lists everything
// that is missing or wrong; any other error means that reading itself failed.
func Collect(src fs.FS, q Query) (Facts, error) {
	f := Facts{
		Modules:  map[string]Module{},
		Entries:  map[string]Entry{},
		Contents: map[string][]byte{},
	}
	var problems Error
	for _, gather := range []func() error{
		func() error { return f.modules(src, q) },
		func() error { return f.entries(src, q) },
		func() error { return f.contents(src, q) },
	} {
		err := gather()
		if found, ok := errors.AsType[Error](err); ok {
			problems = append(problems, found...)
		} else if err != nil {
			return Facts{}, err
		}
	}
	if len(problems) > 0 {
		return Facts{}, problems
	}
	f.stamps(src, q)
	return f, nil
}

func (f *Facts) modules(src fs.FS, q Query) error {
	var problems Error
	for _, main := range q.Mains {
		m, err := readModule(src, main, q.Platforms)
		var bad *moduleError
		switch {
		case errors.As(err, &bad):
			problems = append(problems, Note{Path: main.Key, Rule: bad.rule, Message: bad.message})
		case err != nil:
			return fmt.Errorf("reading the module of %s: %w", main.Name, err)
		}
		f.Modules[main.Name] = m
	}
	return problems.orNil()
}

func (f *Facts) entries(src fs.FS, q Query) error {
	return gather(q.Files, func(name, clean string) error {
		info, err := fs.Stat(src, clean)
		if err == nil {
			f.Entries[name] = Entry{Dir: info.IsDir()}
		}
		if err == nil && info.IsDir() {
			return noWhiteouts(src, clean)
		}
		return err
	})
}

func (f *Facts) contents(src fs.FS, q Query) error {
	return gather(q.Contents, func(name, clean string) error {
		data, err := fs.ReadFile(src, clean)
		f.Contents[name] = data
		return err
	})
}

// noWhiteouts refuses names that would delete files of the layers below
// (https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts).
func noWhiteouts(src fs.FS, dir string) error {
	return fs.WalkDir(src, dir, func(name string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(path.Base(name), ".wh.") {
			return fmt.Errorf("%s would delete a file of the image: names with .wh. are whiteouts", name)
		}
		return err
	})
}

// gather reads each file; those that are not there are problems, all at once.
func gather(files []Want, read func(name, clean string) error) error {
	var problems Error
	for _, file := range files {
		err := read(file.Name, path.Clean(file.Name))
		if errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, missing(file))
		} else if err != nil {
			problems = append(problems, Note{Path: file.Key, Rule: "unreadable-file", Message: fmt.Sprintf("%s cannot be read in the build context: %v", file.Name, err)})
		}
	}
	return problems.orNil()
}

func missing(file Want) Note {
	return Note{Path: file.Key, Rule: "missing-file", Message: fmt.Sprintf(
		"%s is not in the build context: paths are relative to its root, and the ignore file (.dockerignore) hides what it names", file.Name)}
}

// Bases resolves the base image for all platforms at once, by platforms.Format: a registry is
// far away. It is empty for scratch.
func Bases(ctx context.Context, q Query, r Resolver) (map[string]Image, error) {
	if q.Base.Name == "" {
		return nil, nil
	}
	images, errs := make([]Image, len(q.Platforms)), make([]error, len(q.Platforms))
	var all sync.WaitGroup
	for i, p := range q.Platforms {
		all.Go(func() { images[i], errs[i] = r.Resolve(ctx, q.Base.Name, p) })
	}
	all.Wait()
	bases := map[string]Image{}
	for i, p := range q.Platforms {
		if errs[i] != nil {
			return nil, fmt.Errorf("resolving base image %s for %s: %w", q.Base.Name, platforms.Format(p), errs[i])
		}
		bases[platforms.Format(p)] = images[i]
	}
	return bases, nil
}

// orNil is e as an error, nil where there is no problem.
func (e Error) orNil() error {
	if len(e) == 0 {
		return nil
	}
	return e
}
