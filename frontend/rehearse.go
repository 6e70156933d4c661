package frontend

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"

	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/planner"
	"github.com/plimsoll-build/plimsoll/llbgen"
)

// rehearsal is what the spec asks for of a plan's image, and its vertex; nil if it asks for
// none, or if the daemon is known not to be able to.
func (k *gatekeeper) rehearsal(ctx context.Context, p plan.Plan, image llb.State) (*plan.Rehearsal, llb.State, error) {
	r, err := planner.Rehearsal(k.service, p)
	if err != nil || r == nil {
		return nil, llb.State{}, err
	}
	if why := k.unable(p, *r); why != "" {
		return nil, llb.State{}, k.skipRehearsal(ctx, p, why)
	}
	request, err := json.Marshal(r)
	if err != nil {
		return nil, llb.State{}, fmt.Errorf("encoding the rehearsal: %w", err)
	}
	st := k.options.Rehearsal(k.program, image, string(request), llbgen.Limits{Memory: r.MemoryMax, CPU: r.CPUMax},
		k.named(p, "rehearse "+r.Argv[0]), k.locate("runtime.rehearse")...)
	return r, st, nil
}

// unable says why this daemon cannot hold a rehearsal; empty if it may.
func (k *gatekeeper) unable(p plan.Plan, r plan.Rehearsal) string {
	opts := k.GatewayClient().BuildOpts()
	if err := opts.LLBCaps.Supports(llbgen.LimitsCap); err != nil && (r.MemoryMax > 0 || r.CPUMax > 0) {
		return "the daemon cannot limit a step's memory and CPU, which BuildKit 0.31 and later can"
	}
	if len(opts.Workers) > 0 && len(opts.Workers[0].Platforms) > 0 && !platforms.Any(opts.Workers[0].Platforms...).Match(p.Platform) {
		return "the daemon cannot run programs of that architecture: it has no emulation for it"
	}
	if len(r.Argv) == 0 {
		return "the image has no entrypoint"
	}
	return ""
}

func (k *gatekeeper) skipRehearsal(ctx context.Context, p plan.Plan, why string) error {
	return k.skip(ctx, "runtime.rehearse", "rehearse-skipped", fmt.Sprintf("there is no rehearsal for %s: %s", platforms.Format(p.Platform), why))
}
