package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"

	"github.com/plimsoll-build/plimsoll/internal/bench/figures"
	"github.com/plimsoll-build/plimsoll/internal/bench/peers"
	"github.com/plimsoll-build/plimsoll/internal/bench/service"
)

// cold builds on daemons that have nothing. The last daemon of each peer exports its cache
// and stays: the fresh and the warm cases stand on it.
func (r *runner) cold(ctx context.Context) error {
	for run := range r.coldRuns {
		for _, p := range r.graph {
			if p.name == figures.Plimsoll && wanted(r.cases, figures.ColdTwo) {
				if err := r.onFresh(ctx, figures.ColdTwo, run, p, both); err != nil {
					return err
				}
			}
			if err := r.seed(ctx, run, p); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *runner) seed(ctx context.Context, run int, p contender) error {
	d, err := r.bed.NewDaemon(ctx)
	if err != nil {
		return err
	}
	last := run == r.coldRuns-1
	if last {
		r.seeded[p.name] = d
	}
	b, err := r.build(p.name)
	if err != nil {
		return err
	}
	b.Addr = d.Addr
	err = r.measure(ctx, figures.Cold, run, p, b)
	if !last {
		return errors.Join(err, d.Stop())
	}
	if err != nil {
		return err
	}
	b.CacheTo = r.cache(p.name, "first")
	return r.measure(ctx, figures.Export, run, p, b)
}

// both are two platforms, this machine's first.
func both(b *peers.Build) {
	other := map[string]string{"amd64": "linux/arm64"}[runtime.GOARCH]
	if other == "" {
		other = "linux/amd64"
	}
	b.Platforms = append(b.Platforms, other)
}

// onFresh builds on a daemon of its own, whose root is removed at once.
func (r *runner) onFresh(ctx context.Context, c string, run int, p contender, change func(*peers.Build)) (err error) {
	b, err := r.build(p.name)
	if err != nil {
		return err
	}
	change(&b)
	d, err := r.bed.NewDaemon(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Stop()) }()
	b.Addr = d.Addr
	return r.measure(ctx, c, run, p, b)
}

// fresh builds on new daemons with the cache of the first. A commit stays in the tree, so
// that the one that changes the commit comes last within a run: the cache is of the first.
func (r *runner) fresh(ctx context.Context) error {
	first, err := service.Revision(r.tree)
	if err != nil {
		return err
	}
	for _, c := range []struct {
		name string
		edit service.Edit
		runs int
	}{
		{figures.FreshNothing, service.Nothing, r.runs},
		{figures.FreshLeaf, service.InLeaf, r.runs},
		{figures.FreshMain, service.InMain, r.coldRuns},
		{figures.FreshBump, service.Bump, r.coldRuns},
		{figures.FreshCommit, service.Commit, r.runs},
	} {
		if !wanted(r.cases, c.name) {
			continue
		}
		for run := range c.runs {
			err := r.edited(ctx, c.edit, func() error { return r.eachFresh(ctx, c.name, run, c.edit, first) })
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *runner) eachFresh(ctx context.Context, c string, run int, e service.Edit, commit string) error {
	for _, p := range r.graph {
		// A Dockerfile builds anew after any edit: minutes, as slow as cold.
		if e != service.Nothing && p.name != figures.Plimsoll && run >= r.coldRuns {
			continue
		}
		err := r.onFresh(ctx, c, run, p, func(b *peers.Build) {
			b.CacheFrom = r.cache(p.name, "first")
			if e != service.Commit {
				b.Revision = stamp(commit, p.name)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// edited makes an edit, does something and takes the edit back.
func (r *runner) edited(ctx context.Context, e service.Edit, do func() error) error {
	if err := r.edit(ctx, e); err != nil {
		return err
	}
	err := do()
	return errors.Join(err, service.Reset(ctx, r.tree))
}

// warmCases are the cases of a builder that has built before.
var warmCases = []struct {
	name string
	edit service.Edit
}{{figures.WarmNothing, service.Nothing}, {figures.WarmLeaf, service.InLeaf}}

// warm builds on the first daemons. Of each case there is one build more that is not
// measured, since the tree may have changed before.
func (r *runner) warm(ctx context.Context) error {
	all, daemons := slices.Clone(r.graph), maps.Clone(r.seeded)
	if d := r.seeded[figures.Mounts]; d != nil {
		all = append(all, contender{figures.Syntax, peers.WithSyntax(r.tools)})
		daemons[figures.Syntax] = d
	}
	return r.warmOn(ctx, all, func(b *peers.Build, p contender) { b.Addr = daemons[p.name].Addr })
}

func (r *runner) warmOn(ctx context.Context, all []contender, change func(*peers.Build, contender)) error {
	for _, c := range warmCases {
		if !wanted(r.cases, c.name) {
			continue
		}
		for run := -1; run < r.runs; run++ {
			err := r.edited(ctx, c.edit, func() error {
				for _, p := range r.inTurn(all, c.edit, run) {
					b, err := r.build(p.name)
					if err != nil {
						return err
					}
					change(&b, p)
					if run < 0 {
						_, err = p.Build(ctx, b)
					} else {
						err = r.measure(ctx, c.name, run, p, b)
					}
					if err != nil {
						return fmt.Errorf("%s: %s: %w", c.name, p.name, err)
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// inTurn are those that build in a run on warm builders, beginning with another one each time: who
// builds first after an edit does so while the disk is still busy with what was before.
func (r *runner) inTurn(all []contender, edit service.Edit, run int) []contender {
	all = slices.DeleteFunc(slices.Clone(all), func(p contender) bool {
		switch {
		case edit == service.Nothing:
			return false
		case p.name == figures.Layers: // without mounts it compiles everything after an edit, also here
			return run < 0 || run >= r.coldRuns
		}
		return p.name == figures.Syntax // its daemon has just built that
	})
	if len(all) == 0 {
		return nil
	}
	first := max(run, 0) % len(all)
	return slices.Concat(all[first:], all[:first])
}

// second builds the other main package on the first daemons, then exports the cache again:
// what it pushes is what the second service adds.
func (r *runner) second(ctx context.Context) error {
	if !wanted(r.cases, figures.Second) {
		return nil
	}
	for _, p := range r.graph {
		b, err := r.build(p.name)
		if err != nil {
			return err
		}
		b.Addr, b.Main = r.seeded[p.name].Addr, service.Second
		b.Ref = r.bed.Registry.Addr + "/built/" + slug(p.name) + ":second"
		if err := r.measure(ctx, figures.Second, 0, p, b); err != nil {
			return err
		}
		b.CacheTo = r.cache(p.name, "second")
		if err := r.measure(ctx, figures.SecondCache, 0, p, b); err != nil {
			return err
		}
	}
	return nil
}

// local compares the engines without a daemon, each with Go caches of its own.
func (r *runner) local(ctx context.Context) error {
	for run := range r.coldRuns {
		for _, p := range r.hosted {
			b, err := r.build(p.name)
			if err != nil {
				return err
			}
			if err := removeAll(b.State); err != nil {
				return err
			}
			if err := os.MkdirAll(b.State, 0o755); err != nil {
				return err
			}
			if err := r.measure(ctx, figures.Cold, run, p, b); err != nil {
				return err
			}
		}
	}
	return r.warmOn(ctx, r.hosted, func(*peers.Build, contender) {})
}

// stopSeeded ends the first daemons, whose roots are large.
func (r *runner) stopSeeded() error {
	var errs []error
	for name, d := range r.seeded {
		errs = append(errs, d.Stop())
		delete(r.seeded, name)
	}
	return errors.Join(errs...)
}
