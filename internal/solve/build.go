package solve

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/moby/buildkit/client"
	"golang.org/x/sync/errgroup"

	// Each connection helper registers the scheme of its addresses.
	_ "github.com/moby/buildkit/client/connhelper/dockercontainer"
	_ "github.com/moby/buildkit/client/connhelper/kubepod"
	_ "github.com/moby/buildkit/client/connhelper/nerdctlcontainer"
	_ "github.com/moby/buildkit/client/connhelper/podmancontainer"
	_ "github.com/moby/buildkit/client/connhelper/ssh"
)

// Build runs the request and waits for its end. A failed or cancelled build
// leaves no output behind; files that were there before stay as they were.
func Build(ctx context.Context, r Request) (Result, error) {
	opt, err := solveOpt(r)
	if err != nil {
		return Result{}, err
	}
	outputs, err := openOutputs(r)
	if err != nil {
		return Result{}, err
	}
	defer outputs.discard()
	opt.Exports = outputs.entries
	result, err := run(ctx, r, opt)
	if err != nil {
		return Result{}, err
	}
	return result, outputs.commit()
}

// connect dials the daemon and asks it one question, so that an address where
// nobody listens is an error of its own and not the first step's.
func connect(ctx context.Context, addr string) (*client.Client, error) {
	if addr == "" {
		return nil, errors.New("connecting to buildkit: no address given")
	}
	c, err := client.New(ctx, addr)
	if err != nil {
		return nil, fmt.Errorf("connecting to buildkit at %s: %w", addr, err)
	}
	if _, err := c.Info(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("connecting to buildkit at %s (--addr or BUILDKIT_HOST names another): %w", addr, err), c.Close())
	}
	return c, nil
}

// run solves and displays at the same time. The display has no context of its
// own: it ends with the channel, so it can still print why a build was cancelled.
func run(ctx context.Context, r Request, opt client.SolveOpt) (Result, error) {
	show, err := display(r)
	if err != nil {
		return Result{}, err
	}
	c, err := connect(ctx, r.Addr)
	if err != nil {
		return Result{}, err
	}
	defer func() { _ = c.Close() }()

	status := make(chan *client.SolveStatus)
	var response *client.SolveResponse
	var warnings []client.VertexWarning
	var group errgroup.Group
	group.Go(func() (err error) {
		response, err = solve(ctx, c, r, opt, status)
		return err
	})
	group.Go(func() (err error) {
		warnings, err = show.UpdateFrom(context.WithoutCancel(ctx), status)
		return err
	})
	if err := group.Wait(); err != nil {
		// The daemon's own words for a cancelled build vary; the cause does not.
		if ctx.Err() != nil {
			return Result{}, fmt.Errorf("building: %w", context.Cause(ctx))
		}
		return Result{}, fmt.Errorf("building: %w", err)
	}
	return newResult(response.ExporterResponse, warnings), nil
}

func solve(ctx context.Context, c *client.Client, r Request, opt client.SolveOpt, status chan *client.SolveStatus) (*client.SolveResponse, error) {
	if r.BuildFunc == nil {
		return c.Solve(ctx, nil, opt, status)
	}
	opt.FrontendAttrs = maps.Clone(opt.FrontendAttrs)
	delete(opt.FrontendAttrs, "source")
	return c.Build(ctx, opt, "", r.BuildFunc, status)
}
