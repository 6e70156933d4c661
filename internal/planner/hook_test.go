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

// TestHookGodebug: what a program can have as its own default is a line of the hook, unless
// every main package has it; the rest stays in the environment, and the label has it all.
func TestHookGodebug(t *testing.T) {
	const settings = "runtime: {memlimit: auto, godebug: {netdns: go, http2client: \"0\", madvdontneed: \"1\", fips140: \"on\"}}\n"
	for name, c := range map[string]struct {
		main  map[string]string
		lines string
	}{
		"no line in main":           {nil, "http2client=0,netdns=go"},
		"one that main has too":     {map[string]string{"netdns": "go", "panicnil": "1"}, "http2client=0"},
		"nothing that is not there": {map[string]string{"netdns": "go", "http2client": "0"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := one(t, settings, world(mainLines(".", c.main)))
			if want := hook.File(hook.Options{Percent: 90, Godebug: c.lines}); p.Compiles[0].Hook.Content != want {
				t.Errorf("the hook is\n%s\nand not\n%s", p.Compiles[0].Hook.Content, want)
			}
			if env := p.Config.Config.Env; !slices.Contains(env, "GODEBUG=fips140=on,madvdontneed=1") {
				t.Errorf("environment %v", env)
			}
			if label := p.Config.Config.Labels[tuning.LabelGODEBUG]; label != "fips140=on,http2client=0,madvdontneed=1,netdns=go" {
				t.Errorf("the label is %s", label)
			}
		})
	}
	p, _ := one(t, "runtime: {godebug: {netdns: go}}\n", world())
	if !slices.Contains(p.Config.Config.Env, "GODEBUG=netdns=go") {
		t.Errorf("without a hook, the environment is %v", p.Config.Config.Env)
	}
}

// TestHookGodebugTwice: two lines for one key are an error of the go command.
func TestHookGodebugTwice(t *testing.T) {
	const settings = "runtime: {memlimit: auto, godebug: {netdns: go}}\n"
	const two = "build: {binaries: [{main: ./cmd/x}, {main: ./cmd/y}]}\n" + settings
	for name, c := range map[string]struct{ spec, dir, value string }{
		"another value":          {settings, ".", "cgo"},
		"not on every platform":  {settings, ".", ""},
		"in one of two programs": {two, "cmd/y", "go"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Plan(service(t, c.spec), world(mainLines(c.dir, map[string]string{"netdns": c.value})), Options{Platforms: []ocispec.Platform{amd64}})
			found, _ := errors.AsType[Error](err)
			if len(found) != 1 || found[0].Path != "runtime.godebug.netdns" || !strings.Contains(found[0].Message, c.dir) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// mainLines gives a main package //go:debug lines.
func mainLines(dir string, lines map[string]string) func(*facts.Facts) {
	return func(f *facts.Facts) {
		m := f.Modules[dir]
		m.Directives = lines
		f.Modules[dir] = m
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
