package llbgen

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// TestWhereTheGoCommandLinks is of all that keeps a link from being made without the go command:
// wherever it is not known how, the go command does it.
func TestWhereTheGoCommandLinks(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*plan.Plan, *Options)
		want bool
	}{
		"known":             {func(*plan.Plan, *Options) {}, true},
		"first known":       {func(p *plan.Plan, _ *Options) { p.Go = "1.24.0" }, true},
		"too new":           {func(p *plan.Plan, _ *Options) { p.Go = "1.99.0" }, false},
		"another toolchain": {func(_ *plan.Plan, o *Options) { o.GoRoot = "" }, false},
		"an experiment": {func(p *plan.Plan, _ *Options) {
			for i := range p.Compiles {
				env := slices.Clone(p.Compiles[i].Env)
				env[slices.Index(env, "GOEXPERIMENT=")] = "GOEXPERIMENT=jsonv2"
				p.Compiles[i].Env = env
			}
		}, false},
	} {
		p, o := twoBinaries(), listings(options())
		c.edit(&p, &o)
		st, err := Binaries(context.Background(), p, o)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		links, without := 0, 0
		for _, v := range readBack(t, st) {
			if !strings.HasPrefix(v.name, "link ") {
				continue
			}
			links++
			argv := v.op.GetExec().Meta.Args
			if argv[0] != "go" {
				without++
			}
			if at := slices.Index(argv, "-name"); argv[0] != "go" && !strings.HasPrefix(argv[at+1], "example.com/svc/cmd/") {
				t.Errorf("%s: it links %q", name, argv[at+1])
			}
		}
		if links != 2 || without == 2 != c.want || without == 1 {
			t.Errorf("%s: %d links, %d without the go command; want all of them: %t", name, links, without, c.want)
		}
	}
	p, o := twoBinaries(), listings(options())
	p.Compiles[0].Ldflags = []string{`-X=main.a="it's"`}
	if _, err := Binaries(context.Background(), p, o); err == nil {
		t.Error("a flag that go build cannot take was taken")
	}
}
