package planner

import (
	"errors"
	"slices"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plimsoll-build/plimsoll/internal/facts"
	"github.com/plimsoll-build/plimsoll/internal/hook"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

func TestHook(t *testing.T) {
	p, warnings := one(t, "build: {binaries: [{main: ./cmd/x}, {main: ./cmd/y}]}\nruntime: {memlimit: auto}\n", world())
	for i, want := range []string{"cmd/x/", "cmd/y/"} {
		if h := p.Compiles[i].Hook; h == nil || h.Path != want+hook.FileName || h.Content != hook.File(hook.Options{Percent: 90}) {
			t.Errorf("binary %d has the hook %+v", i, h)
		}
	}
	labels := p.Config.Config.Labels
	if labels[tuning.LabelMemLimit] != "auto:90%" || labels[tuning.LabelHook] != hook.Label(p.Compiles[0].Hook.Content) {
		t.Errorf("labels: %v", labels)
	}
	fixed := func(kv string) bool { return strings.HasPrefix(kv, "GOMEMLIMIT=") }
	if slices.ContainsFunc(p.Config.Config.Env, fixed) || len(warnings) > 0 {
		t.Errorf("environment %v, warnings %v", p.Config.Config.Env, warnings)
	}
	if p, _ := one(t, "runtime: {memory: {max: 1GiB}}\n", world()); p.Compiles[0].Hook != nil || p.Config.Config.Labels[tuning.LabelHook] != "" {
		t.Error("a fixed limit comes with a hook")
	}
}

func TestHookRefused(t *testing.T) {
	for name, edit := range map[string]func(*facts.Facts){
		"an old go line": func(f *facts.Facts) {
			m := f.Modules["."]
			m.GoLine = "1.24"
			f.Modules["."] = m
		},
		"an old toolchain": func(f *facts.Facts) { f.Go = "1.24.9" },
		"a file of that name": func(f *facts.Facts) {
			m := f.Modules["."]
			m.MainFiles = []string{hook.FileName, "main.go"}
			f.Modules["."] = m
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Plan(service(t, "runtime: {memlimit: auto}\n"), world(edit), Options{Platforms: []ocispec.Platform{amd64}})
			if found, _ := errors.AsType[Error](err); !hasRule(found, "memlimit") {
				t.Errorf("got %v, want a problem of memlimit", err)
			}
		})
	}
}
