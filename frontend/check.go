package frontend

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"

	"github.com/plimsoll-build/plimsoll/internal/check"
	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/planner"
	"github.com/plimsoll-build/plimsoll/llbgen"
)

// check is the vertex that looks at a plan's final root file system.
func (k *gatekeeper) check(p plan.Plan, image llb.State, told bool) (llb.State, error) {
	config := p.Config.Config
	request := check.Request{
		Architecture: p.Platform.Architecture, Binaries: binaries(p), Hooks: hooks(p),
		Volumes: slices.Sorted(maps.Keys(config.Volumes)), WorkingDir: config.WorkingDir,
	}
	data, err := json.Marshal(request)
	if err != nil {
		return llb.State{}, fmt.Errorf("encoding what to check: %w", err)
	}
	return k.options.Check(k.program, image, string(data), k.named(p, "check the root file system"), told), nil
}

// named is a vertex's name, with the platform where there are several.
func (k *gatekeeper) named(p plan.Plan, name string) string {
	if k.options.ShowPlatform {
		return "[" + platforms.Format(p.Platform) + "] " + name
	}
	return name
}

// binaries are the places of a plan's binaries in its image.
func binaries(p plan.Plan) []string {
	var out []string
	for _, l := range p.Layers {
		for _, f := range l.Files {
			if f.Source.Binary != "" {
				out = append(out, f.Path)
			}
		}
	}
	return out
}

// hooks are the functions of start-up hooks, by the place of the binary.
func hooks(p plan.Plan) map[string]string {
	out := map[string]string{}
	for _, c := range p.Compiles {
		if c.Hook != nil {
			out["/"+c.Name] = c.Hook.Function
		}
	}
	return out
}

// findings asks a check that has failed what it found: a vertex that fails has no output.
func (k *gatekeeper) findings(ctx context.Context, p plan.Plan, image llb.State, failed error) error {
	report, err := k.report(ctx, p, image)
	if err != nil {
		return failed // the log has it too
	}
	var list planner.Error
	for _, f := range report.Failed() {
		message := fmt.Sprintf("the image for %s does not pass the rule %s: %s", platforms.Format(p.Platform), f.Rule, f.Text())
		list = append(list, planner.Note{Path: k.keyOf(p, f), Rule: f.Rule, Message: message})
	}
	if len(list) == 0 {
		return failed
	}
	return list
}

func (k *gatekeeper) report(ctx context.Context, p plan.Plan, image llb.State) (check.Report, error) {
	st, err := k.check(p, image, true)
	if err != nil {
		return nil, err
	}
	ref, err := k.solveState(ctx, st)
	if err != nil {
		return nil, err
	}
	data, err := ref.ReadFile(ctx, client.ReadRequest{Filename: llbgen.CheckReport})
	if err != nil {
		return nil, err
	}
	var report check.Report
	err = json.Unmarshal(data, &report)
	return report, err
}

// keyOf is the key of the spec that put into the image what a finding is about.
func (k *gatekeeper) keyOf(p plan.Plan, f check.Finding) string {
	config := p.Config.Config
	_, volume := config.Volumes[f.Path]
	switch {
	case f.Rule == check.RuleRoot:
		return "image.base"
	case f.Rule == check.RuleHook:
		return "runtime.memlimit"
	case f.Rule != check.RuleMounts:
		for i, c := range p.Compiles {
			if "/"+c.Name == f.Path && len(k.service.Build.Binaries) > 0 {
				return fmt.Sprintf("build.binaries[%d].main", i)
			}
		}
		return "build.main"
	case volume:
		return "image.volumes"
	case f.Path == config.WorkingDir:
		return "image.workdir"
	case places(p, f.Path):
		return "image.files"
	}
	return "image.base"
}

// places reports whether our own layers hold a path, or may: a tree's files are not listed.
func places(p plan.Plan, path string) bool {
	for _, l := range p.Layers {
		for _, f := range l.Files {
			if f.Path == path || f.Source.Tree != "" && strings.HasPrefix(path, strings.TrimSuffix(f.Path, "/")+"/") {
				return true
			}
		}
	}
	return false
}
