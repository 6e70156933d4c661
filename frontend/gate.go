package frontend

import (
	"context"
	"errors"
	"fmt"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	gwpb "github.com/moby/buildkit/frontend/gateway/pb"

	"github.com/plimsoll-build/plimsoll/internal/check"
	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/rehearse"
	"github.com/plimsoll-build/plimsoll/internal/spec"
	"github.com/plimsoll-build/plimsoll/llbgen"
)

// gatekeeper solves images so that none is there that has not passed its gates.
type gatekeeper struct {
	*build
	options llbgen.Options
	program llbgen.Program
	open    bool // there is no program: nothing is checked
}

// gatekeeper finds out once, for all platforms, whether there can be gates.
func (b *build) gatekeeper(ctx context.Context, o llbgen.Options) (*gatekeeper, error) {
	program, ok, err := b.self()
	if err != nil {
		return nil, err
	}
	k := &gatekeeper{build: b, options: o, program: program, open: !ok}
	if ok {
		return k, nil
	}
	const why = "the daemon does not say which image the frontend runs in"
	if err := b.skip(ctx, "image", "check-skipped", "the final root file system is not checked: "+why+"; plimsoll verify looks at the finished image"); err != nil {
		return nil, err
	}
	if b.service.Runtime.Rehearse != nil {
		err = b.skip(ctx, "runtime.rehearse", "rehearse-skipped", "there is no rehearsal: "+why)
	}
	return k, err
}

// solve solves the image of a plan, which fails if it does not pass.
func (k *gatekeeper) solve(ctx context.Context, p plan.Plan, image llb.State) (client.Reference, error) {
	if k.open {
		return k.solveState(ctx, image)
	}
	checked, err := k.check(p, image, false)
	if err != nil {
		return nil, err
	}
	rehearsal, vertex, err := k.rehearsal(ctx, p, image)
	if err != nil {
		return nil, err
	}
	gates := []llb.State{checked}
	if rehearsal != nil {
		gates = append(gates, vertex)
	}
	ref, err := k.through(ctx, image, gates)
	if o, ok := outcome(err); ok && o.Skipped() && rehearsal != nil {
		if err := k.skipRehearsal(ctx, p, o.Explain(*rehearsal)); err != nil {
			return nil, err
		}
		ref, err = k.through(ctx, image, gates[:1])
	}
	return ref, k.explain(ctx, p, image, rehearsal, err)
}

// through solves an image and its gates. A daemon that cannot tie them together is asked for
// the gates first; what they cost is not in an exported cache then.
func (k *gatekeeper) through(ctx context.Context, image llb.State, gates []llb.State) (client.Reference, error) {
	caps := k.GatewayClient().BuildOpts().LLBCaps
	if caps.Supports(llbgen.GateCap) == nil {
		return k.evaluate(ctx, llbgen.Gated(image, gates...))
	}
	for _, gate := range gates {
		if _, err := k.evaluate(ctx, gate); err != nil {
			return nil, err
		}
	}
	return k.solveState(ctx, image)
}

// explain puts the failure of a gate into the words of the spec.
func (k *gatekeeper) explain(ctx context.Context, p plan.Plan, image llb.State, r *plan.Rehearsal, err error) error {
	if o, ok := outcome(err); ok && r != nil {
		return &keyError{o.Key(), fmt.Errorf("rehearsing for %s: %s", platforms.Format(p.Platform), o.Explain(*r))}
	}
	if code, ok := exitCode(err); ok && code == check.Refused {
		return k.findings(ctx, p, image, err)
	}
	return err
}

// skip says that something was left out; where nothing may be, it is an error.
func (b *build) skip(ctx context.Context, key, rule, message string) error {
	if spec.Strict(b.BuildArgs) {
		return &keyError{key, fmt.Errorf("%s: %s (the build is strict)", rule, message)}
	}
	b.warn(ctx, key, rule, message)
	return nil
}

// outcome is that of a rehearsal that failed; false for any other error.
func outcome(err error) (rehearse.Outcome, bool) {
	code, ok := exitCode(err)
	return rehearse.Outcome(code), ok && rehearse.Outcome(code).Known()
}

// exitCode is that of a vertex that failed.
func exitCode(err error) (int, bool) {
	if exit, ok := errors.AsType[*gwpb.ExitError](err); ok {
		return int(exit.ExitCode), true
	}
	return 0, false
}
