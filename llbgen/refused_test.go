package llbgen

import (
	"math"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/rootdata"
)

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name, want string
		edit       func(*plan.Plan)
	}{
		{"epoch beyond nanoseconds", "epoch 99999999999", func(p *plan.Plan) { p.Epoch = 99999999999 }},
		{"epoch before 1970", "epoch -1", func(p *plan.Plan) { p.Epoch = -1 }},
		{"largest epoch", "", func(p *plan.Plan) { p.Epoch = math.MaxInt64 / 1_000_000_000; p.Layers = p.Layers[2:] }},
		{"invalid plan", "parent directory of /etc/x", func(p *plan.Plan) {
			p.Layers = []plan.Layer{{Name: "l", Files: []plan.File{{Path: "/etc/x", Source: plan.Source{Inline: []byte("x")}}}}}
		}},
		{"empty layer", "layer none is empty", func(p *plan.Plan) { p.Layers = []plan.Layer{{Name: "none"}} }},
		{"tree with a mode and no list", "files of svc/migrations were not listed", func(*plan.Plan) {}},
		{"foreign root data", "another release", func(p *plan.Plan) {
			p.Layers = p.Layers[:1]
			p.Layers[0].Files[1].Source.Root = &plan.RootData{Name: rootdata.CARoots, Digest: digest.FromString("other")}
		}},
		{"unknown root data", "another release", func(p *plan.Plan) {
			p.Layers = p.Layers[:1]
			p.Layers[0].Files[1].Source.Root = &plan.RootData{Name: "nothing", Digest: digest.FromBytes(nil)}
		}},
		{"unquotable flag", "both kinds of quotes", func(p *plan.Plan) { p.Compiles[0].Ldflags = []string{`'"`}; p.Layers = p.Layers[2:] }},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := twoBinaries()
			c.edit(&p)
			_, err := Image(t.Context(), p, options())
			switch {
			case c.want == "" && err != nil:
				t.Fatal(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("error %v does not say %q", err, c.want)
			}
		})
	}
}
