package frontend

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/llbgen"
)

// solve solves each platform's plan, in parallel.
func (b *build) solve(ctx context.Context, target target, plans []plan.Plan, listings []map[string]llbgen.Listing, o llbgen.Options) (*client.Result, error) {
	solve := func(ctx context.Context, _ plan.Plan, st llb.State) (client.Reference, error) {
		return b.solveState(ctx, st)
	}
	if _, ok := target.(imageTarget); ok {
		k, err := b.gatekeeper(ctx, o)
		if err != nil {
			return nil, err
		}
		solve = k.solve
	}
	rb, err := b.Build(ctx, func(ctx context.Context, _ *ocispec.Platform, idx int) (*dockerui.BuildResult, error) {
		p, o := plans[idx], o
		o.Listings = listings[idx]
		st, err := target.state(ctx, p, o)
		if err != nil {
			return nil, fmt.Errorf("building for %s: %w", platforms.Format(p.Platform), err)
		}
		ref, err := solve(ctx, p, st)
		if err != nil {
			return nil, err
		}
		epoch := time.Unix(p.Epoch, 0).UTC()
		return &dockerui.BuildResult{Reference: ref, Image: &dockerspec.DockerOCIImage{}, Epoch: &epoch}, nil
	})
	if err != nil {
		return nil, err
	}
	for _, p := range plans {
		d, err := target.describe(p)
		if err != nil {
			return nil, err
		}
		b.tell(rb.Result, p.Platform, d)
	}
	return rb.Finalize()
}

// tell writes what the exporter is told of one platform. dockerui has written a config
// already, in a type that does not know all of its fields.
func (b *build) tell(res *client.Result, p ocispec.Platform, d description) {
	suffix, platform := "", (*ocispec.Platform)(nil)
	if b.MultiPlatformRequested {
		suffix, platform = "/"+platforms.FormatAll(p), &p
	}
	res.AddMeta(exptypes.ExporterImageConfigKey+suffix, d.config)
	if len(d.base) > 0 {
		res.AddMeta(exptypes.ExporterImageBaseConfigKey+suffix, d.base)
	}
	for _, key := range slices.Sorted(maps.Keys(d.annotations)) {
		res.AddMeta(exptypes.AnnotationManifestKey(platform, key), []byte(d.annotations[key]))
	}
}
