package llbgen

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/solver/pb"

	"github.com/plimsoll-build/plimsoll/internal/cacheprog"
	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// TestWhereTheGoCommandLinks is of all that keeps a binary from being stamped without the go
// command: wherever it is not known how, the go command links it with the stamp.
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
		p.Compiles[1].Stamp = []string{"main.commit=0123456789"}
		c.edit(&p, &o)
		st, err := Binaries(context.Background(), p, o)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		links, stamps, wanted := 0, 0, ""
		for _, v := range readBack(t, st) {
			switch {
			case strings.HasPrefix(v.name, "link "):
				links++
			case strings.HasPrefix(v.name, "stamp "):
				stamps++
			case v.name == "compile the service's own packages and link them":
				for _, kv := range v.op.GetExec().Meta.Env {
					if value, ok := strings.CutPrefix(kv, cacheprog.BinariesVariable+"="); ok {
						wanted = value
					}
				}
			}
		}
		if c.want && (links != 0 || stamps != 2) || !c.want && (links != 2 || stamps != 0) {
			t.Errorf("%s: %d are linked by the go command, %d are stamped; want the latter: %t", name, links, stamps, c.want)
		}
		if c.want && strings.Count(wanted, "example.com/svc/cmd/") != 2 {
			t.Errorf("%s: these are linked: %s", name, wanted)
		}
		if strings.Contains(wanted, "0123456789") {
			t.Errorf("%s: the stamp is a part of the key of the compile: %s", name, wanted)
		}
	}
	p, o := twoBinaries(), listings(options())
	p.Compiles[0].Ldflags = []string{`-X=main.a="it's"`}
	if _, err := Binaries(context.Background(), p, o); err == nil {
		t.Error("a flag that go build cannot take was taken")
	}
}

// TestStampIsTheLayer holds that a binary alone in its layer is written there, not copied.
func TestStampIsTheLayer(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*plan.Plan)
		want bool
	}{
		"alone":            {func(*plan.Plan) {}, true},
		"of another owner": {func(p *plan.Plan) { p.Layers[1].Files[0].UID = 7 }, false},
		"of another mode":  {func(p *plan.Plan) { p.Layers[1].Files[0].Mode = 0o555 }, false},
		"on a base":        {func(p *plan.Plan) { p.Base.Ref = "example.com/base" }, false},
	} {
		p, o := twoBinaries(), listings(options())
		p.Compiles, p.Layers = p.Compiles[:1], []plan.Layer{p.Layers[0], {Name: "binaries", Files: p.Layers[2].Files[:1:1]}}
		p.Layers[1].Files = slices.Clone(p.Layers[1].Files)
		p.Compiles[0].Stamp = []string{"main.commit=0123456789"}
		c.edit(&p)
		st, err := Image(context.Background(), p, o)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		vertices := readBack(t, st)
		last := vertices[len(vertices)-1]
		if got := last.name == "stamp api"; got != c.want {
			t.Errorf("%s: the layer is made by %q", name, last.name)
		}
		if !c.want {
			continue
		}
		out := last.op.GetExec().Mounts[slices.IndexFunc(last.op.GetExec().Mounts, func(m *pb.Mount) bool { return m.Output >= 0 })]
		if out.Dest != outDir || out.Input < 0 || out.ContentCache != pb.MountContentCache_OFF || !slices.Contains(last.op.GetExec().Meta.Args, "1700000000") {
			t.Errorf("%s: it stands on %v, by %q", name, out, last.op.GetExec().Meta.Args)
		}
	}
}
