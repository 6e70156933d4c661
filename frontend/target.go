package frontend

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/llbgen"
)

// target is what of a plan is solved, and what the exporter is told of it.
type target interface {
	state(ctx context.Context, p plan.Plan, o llbgen.Options) (llb.State, error)
	describe(p plan.Plan) (description, error)
	// compiles reports whether the go command has to run for it.
	compiles() bool
}

// description is what the exporter is told of one platform.
type description struct {
	// config is the image config as JSON.
	config []byte
	// base is the base image's config; empty without one.
	base []byte
	// annotations go onto the platform's manifest.
	annotations map[string]string
}

// target is what --target names; without it, the image.
func (b *build) target() (target, error) {
	switch b.Target {
	case "":
		return imageTarget{b}, nil
	case "binary":
		return binaryTarget{}, nil
	case "plan":
		return planTarget{}, nil
	case "debug":
		return nil, fmt.Errorf("target debug is not supported yet: there are binary, plan and, without a target, the image")
	}
	return nil, fmt.Errorf("there is no target %q: there are binary, plan and, without a target, the image", b.Target)
}

// imageTarget is the image.
type imageTarget struct{ *build }

func (t imageTarget) state(ctx context.Context, p plan.Plan, o llbgen.Options) (llb.State, error) {
	o.Base = llb.Scratch()
	if !p.Base.Scratch() {
		o.Base = t.images.states[platforms.Format(p.Platform)]
	}
	return llbgen.Image(ctx, p, o)
}

func (imageTarget) compiles() bool { return true }

func (t imageTarget) describe(p plan.Plan) (description, error) {
	config, err := json.Marshal(p.Config)
	if err != nil {
		return description{}, fmt.Errorf("encoding the image config: %w", err)
	}
	d := description{config: config, annotations: p.Annotations}
	if len(p.Base.DiffIDs) > 0 {
		d.base = t.images.configs[platforms.Format(p.Platform)]
	}
	return d, nil
}

// binaryTarget is the static binaries alone, for a local output.
type binaryTarget struct{}

func (binaryTarget) state(ctx context.Context, p plan.Plan, o llbgen.Options) (llb.State, error) {
	return llbgen.Binaries(ctx, p, o)
}

func (binaryTarget) compiles() bool { return true }

func (binaryTarget) describe(p plan.Plan) (description, error) { return plain(p) }

// planTarget is the plan as canonical JSON, /plan.json.
type planTarget struct{}

func (planTarget) state(_ context.Context, p plan.Plan, _ llbgen.Options) (llb.State, error) {
	data, err := plan.Canonical(p)
	if err != nil {
		return llb.State{}, err
	}
	made := llb.WithCreatedTime(time.Unix(p.Epoch, 0).UTC())
	return llb.Scratch().File(llb.Mkfile("/plan.json", 0o644, append(data, '\n'), made), llb.WithCustomName("write the plan")), nil
}

func (planTarget) compiles() bool { return false }

func (planTarget) describe(p plan.Plan) (description, error) { return plain(p) }

// plain describes files that are no image of ours: no labels, nothing to run.
func plain(p plan.Plan) (description, error) {
	created := time.Unix(p.Epoch, 0).UTC()
	config, err := json.Marshal(ocispec.Image{Created: &created, Platform: p.Platform})
	if err != nil {
		return description{}, fmt.Errorf("encoding the image config: %w", err)
	}
	return description{config: config}, nil
}
