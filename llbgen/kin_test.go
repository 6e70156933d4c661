package llbgen

import (
	"context"
	"slices"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// TestKin holds that services of a module take what one of them compiled of other modules from
// the daemon, if their targets and flags are the same, and not with a profile.
func TestKin(t *testing.T) {
	want := kinOf(t, 0, func(*plan.Plan, Options) {})
	if got := kinOf(t, 1, func(*plan.Plan, Options) {}); got != want || got == "" {
		t.Errorf("the second service asks for %q, the first left %q", got, want)
	}
	for name, edit := range map[string]func(*plan.Compile){
		"other tags":     func(c *plan.Compile) { c.Tags = []string{"tag"} },
		"other flags":    func(c *plan.Compile) { c.Flags = append(slices.Clone(c.Flags), "-race") },
		"another target": func(c *plan.Compile) { c.Env = slices.Sorted(slices.Values(append(c.Env, "GOARM64=v9.0"))) },
		"another module": func(c *plan.Compile) { c.Dir = "lib" },
	} {
		if got := kinOf(t, 1, func(p *plan.Plan, _ Options) { edit(&p.Compiles[0]) }); got == want || got == "" {
			t.Errorf("with %s it asks for %q", name, got)
		}
	}
	if got := kinOf(t, 1, func(p *plan.Plan, _ Options) { p.Go = "1.26.7" }); got == want || got == "" {
		t.Errorf("with another release it asks for %q", got)
	}
	profile := func(_ *plan.Plan, o Options) {
		setListings(o, func(l *Listing) { l.Profile = "svc/cmd/worker/default.pgo" })
	}
	if got := kinOf(t, 1, profile); got != "" {
		t.Errorf("with a profile it asks for %q", got)
	}
}

// kinOf is the name under which what the nth service compiles of other modules is kept; empty
// without one.
func kinOf(t *testing.T, n int, edit func(*plan.Plan, Options)) string {
	t.Helper()
	p, o := twoBinaries(), listings(options())
	p.Compiles = p.Compiles[n : n+1]
	p.Layers = []plan.Layer{{Name: "binaries", Files: p.Layers[2].Files[n : n+1]}}
	edit(&p, o)
	st, err := Image(context.Background(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range readBack(t, st) {
		args := v.op.GetExec().GetMeta().GetArgs()
		if at := slices.Index(args, "-name"); at > 0 && slices.Index(args, "list") == 1 {
			return args[at+1]
		}
	}
	return ""
}
