package planner

import (
	"fmt"
	"slices"
	"time"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plimsoll-build/plimsoll/internal/facts"
	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/spec"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

// Plan makes one plan for each platform. An Error lists everything that is wrong
// with the spec in the light of the facts.
func Plan(s spec.Service, f facts.Facts, o Options) (Result, error) {
	p := &planning{service: s, facts: f, warnings: slices.Clone(f.Warnings)}
	p.settle()
	var res Result
	for _, platform := range o.Platforms {
		res.Plans = append(res.Plans, p.platform(platform))
	}
	if len(p.problems) > 0 {
		return Result{}, Error(dedupe(p.problems))
	}
	for i := range res.Plans {
		if err := p.label(&res.Plans[i]); err != nil {
			return Result{}, err
		}
		if err := res.Plans[i].Validate(); err != nil {
			return Result{}, fmt.Errorf("checking the plan for %s: %w", platforms.Format(res.Plans[i].Platform), err)
		}
	}
	res.Warnings = dedupe(p.warnings)
	return res, nil
}

// planning is one call of Plan: what is settled for all platforms, and what was
// found on the way.
type planning struct {
	service  spec.Service
	facts    facts.Facts
	binaries []mainPackage
	user     owner
	limit    tuning.Limit
	procs    string // the gomaxprocs label
	// hook is the content of the start-up hook and hookLabel the memlimit label with it;
	// both are empty without one.
	hook, hookLabel string
	stack           []plan.Layer
	problems        Error
	warnings        []Note
}

// settle decides what no platform changes.
func (p *planning) settle() {
	p.binaries = p.named()
	p.user = p.owner()
	p.tune()
	p.stack = p.layers()
}

func (p *planning) problem(path, rule, format string, args ...any) {
	p.problems = append(p.problems, Note{Path: path, Rule: rule, Message: fmt.Sprintf(format, args...)})
}

func (p *planning) warn(path, rule, format string, args ...any) {
	p.warnings = append(p.warnings, Note{Path: path, Rule: rule, Message: fmt.Sprintf(format, args...)})
}

// dedupe drops what a second platform found again.
func dedupe(notes []Note) []Note {
	var out []Note
	seen := map[Note]bool{}
	for _, n := range notes {
		if !seen[n] {
			out = append(out, n)
		}
		seen[n] = true
	}
	return out
}

func (p *planning) platform(platform ocispec.Platform) plan.Plan {
	platform = platforms.Normalize(platform)
	base := p.base(platform)
	pl := plan.Plan{
		Version:  plan.FormatVersion,
		Platform: platform,
		Go:       p.facts.Go,
		Compiles: p.compiles(platform),
		Base:     base.Base,
		Layers:   p.stack,
		Epoch:    p.facts.Source.Epoch,
	}
	pl.Config = p.config(platform, base)
	return pl
}

// epoch is the source date epoch as a time.
func (p *planning) epoch() time.Time { return time.Unix(p.facts.Source.Epoch, 0).UTC() }
