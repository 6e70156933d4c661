package frontend

import (
	"context"
	"fmt"
	"path"
	"slices"

	"github.com/plimsoll-build/plimsoll/internal/gosource"
	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/llbgen"
)

// listings says for each platform what compiling its binaries reads. A binary that
// cannot be understood is left out, with a warning: it is compiled from the whole context,
// and the go command says what is wrong with it.
func (b *build) listings(ctx context.Context, plans []plan.Plan) []map[string]llbgen.Listing {
	all := make([]map[string]llbgen.Listing, len(plans))
	warned := map[string]bool{}
	for i, p := range plans {
		all[i] = map[string]llbgen.Listing{}
		for _, c := range p.Compiles {
			l, err := b.listing(ctx, p, c)
			if err == nil {
				all[i][c.Name] = l
			} else if text := err.Error(); !warned[text] {
				warned[text] = true
				b.warn(ctx, "", "whole-context", fmt.Sprintf("%s is compiled from the whole build context, each time anything in it changes: %s", c.Name, text))
			}
		}
	}
	return all
}

func (b *build) listing(ctx context.Context, p plan.Plan, c plan.Compile) (llbgen.Listing, error) {
	found, err := gosource.List(ctx, b.context.files, gosource.Request{
		Dir: c.Dir, Packages: []string{c.Package}, Work: c.Work, Go: p.Go, Tags: c.Tags, Env: c.Env,
	})
	if err != nil {
		return llbgen.Listing{}, err
	}
	l := llbgen.Listing{Main: found.Own[len(found.Own)-1], Files: slices.Concat(found.Files, found.Symlinks), Deps: found.Deps, Shared: found.Shared, Std: found.Std, Profile: found.Profile}
	slices.Sort(l.Files)
	if slices.Contains(c.Flags, "-mod=vendor") {
		root := c.Dir
		if c.Work != "off" {
			root = path.Dir(c.Work)
		}
		l.Vendor = path.Join(root, "vendor")
	}
	return l, nil
}
