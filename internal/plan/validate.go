package plan

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Validate reports everything in which the plan breaks the rules that engines
// rely on. A plan that the planner made never does; one read from JSON may.
func (p Plan) Validate() error {
	var errs []error
	if p.Version != FormatVersion {
		errs = append(errs, fmt.Errorf("plan version %d is not %d", p.Version, FormatVersion))
	}
	if p.Go == "" || len(p.Compiles) == 0 {
		errs = append(errs, errors.New("a plan has a Go version and at least one binary"))
	}
	for _, c := range p.Compiles {
		if !slices.IsSorted(c.Env) {
			errs = append(errs, fmt.Errorf("environment of %s is not sorted", c.Name))
		}
	}
	for _, l := range p.Layers {
		errs = append(errs, p.validateLayer(l)...)
	}
	return errors.Join(errs...)
}

func (p Plan) validateLayer(l Layer) []error {
	var errs []error
	if !slices.IsSortedFunc(l.Files, CompareFiles) {
		errs = append(errs, fmt.Errorf("files of layer %s are not in walk order", l.Name))
	}
	dirs := map[string]bool{"/": true}
	for _, f := range l.Files {
		if !path.IsAbs(f.Path) || path.Clean(f.Path) != f.Path || f.Path == "/" {
			errs = append(errs, fmt.Errorf("layer %s: path %q is not absolute and clean", l.Name, f.Path))
		}
		if !dirs[path.Dir(f.Path)] {
			errs = append(errs, fmt.Errorf("layer %s: parent directory of %s is not listed", l.Name, f.Path))
		}
		if n := f.Source.kinds(); n != 1 {
			errs = append(errs, fmt.Errorf("layer %s: %s has %d sources, not one", l.Name, f.Path, n))
		}
		if f.Source.Dir || f.Source.Tree != "" {
			dirs[f.Path] = true
		}
		if _, ok := p.Binary(f.Source.Binary); f.Source.Binary != "" && !ok {
			errs = append(errs, fmt.Errorf("layer %s: %s is made from %q, which is not compiled", l.Name, f.Path, f.Source.Binary))
		}
	}
	return errs
}

// kinds counts the fields of s that are set.
func (s Source) kinds() int {
	n := 0
	for _, set := range []bool{s.Binary != "", s.Context != "", s.Tree != "", s.Root != nil, len(s.Inline) > 0, s.Symlink != "", s.Dir} {
		if set {
			n++
		}
	}
	return n
}

// CompareFiles orders files as a file-system walk meets them, which is the order
// of a BuildKit layer: a directory's content right after it, names in byte order.
func CompareFiles(a, b File) int {
	return slices.CompareFunc(strings.Split(a.Path, "/"), strings.Split(b.Path, "/"), cmp.Compare)
}
