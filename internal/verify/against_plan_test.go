package verify_test

import (
	"archive/tar"
	"maps"
	"slices"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/verify"
)

// planOf is the plan that a draft came from.
func planOf(d *draft) plan.Plan {
	p := plan.Plan{Platform: d.config.Platform, Config: d.config, Annotations: maps.Clone(d.config.Config.Labels)}
	p.Config.Config.Labels = maps.Clone(d.config.Config.Labels)
	p.Config.Config.Env = slices.Clone(d.config.Config.Env)
	for _, headers := range d.layers {
		var l plan.Layer
		for _, h := range headers {
			f := plan.File{Path: "/" + h.Name, Mode: plan.Mode(h.Mode), UID: h.Uid, GID: h.Gid}
			if h.Typeflag == tar.TypeDir {
				f.Path, f.Source.Dir = "/"+h.Name[:len(h.Name)-1], true
			}
			l.Files = append(l.Files, f)
		}
		p.Layers = append(p.Layers, l)
	}
	return p
}

func TestAgainstPlan(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*plan.Plan)
		want   []string
	}{
		{"the same", func(*plan.Plan) {}, nil},
		{"platform", func(p *plan.Plan) { p.Platform.Architecture = "arm64" }, []string{"config platform"}},
		{"user", func(p *plan.Plan) { p.Config.Config.User = "1:1" }, []string{"config User"}},
		{"env", func(p *plan.Plan) { p.Config.Config.Env = []string{"PATH=/", "A=b"} }, []string{"env A", "env GOMEMLIMIT"}},
		{"order of env", func(p *plan.Plan) { slices.Reverse(p.Config.Config.Env) }, []string{"config Env"}},
		{"labels, derived ones last", func(p *plan.Plan) {
			p.Config.Config.Labels["build.plimsoll.plan-digest"] = "x"
			p.Config.Config.Labels["team"] = "x"
		}, []string{"label team", "label build.plimsoll.plan-digest"}},
		{"annotation", func(p *plan.Plan) { p.Annotations["x"] = "y" }, []string{"annotation x"}},
		{"mode and owner", func(p *plan.Plan) {
			p.Layers[1].Files[0].Mode, p.Layers[1].Files[0].UID = 0o700, 7
		}, []string{"/orders", "/orders"}},
		{"mode of the context's own", func(p *plan.Plan) { p.Layers[1].Files[0].Mode = 0 }, nil},
		{"a link", func(p *plan.Plan) { p.Layers[1].Files[0].Source.Symlink = "x" }, []string{"/orders"}},
		{"a file more", func(p *plan.Plan) {
			p.Layers[1].Files = append(p.Layers[1].Files, plan.File{Path: "/more"})
		}, []string{"/more"}},
		{"a file that is not planned", func(p *plan.Plan) { p.Layers[1].Files = nil }, []string{"/orders"}},
		{"a layer more", func(p *plan.Plan) { p.Layers = append(p.Layers, plan.Layer{}) }, []string{"layers"}},
	} {
		d := goodDraft(t)
		img := d.image(t)
		p := planOf(d)
		c.change(&p)
		j, err := verify.AgainstPlan(t.Context(), verify.FromImage("test", img), p)
		check(t, err)
		var got []string
		for _, f := range j.Fails {
			got = append(got, f.Where)
		}
		if !slices.Equal(got, c.want) || len(j.Unknowns) > 0 {
			t.Errorf("%s: %q, unknown %q; want %q", c.name, got, j.Unknowns, c.want)
		}
	}
}
