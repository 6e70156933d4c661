package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/rootfs"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

// AgainstPlan holds an image against the plan of its platform: platform, config,
// labels, annotations, and of the files what a plan knows without building: paths,
// types, modes and owners, and whether our layers hold anything besides. It reads the
// layers once more.
func AgainstPlan(ctx context.Context, s Subject, p plan.Plan) (Judgement, error) {
	in, err := inspect(ctx, s)
	if err != nil {
		return Judgement{}, fmt.Errorf("reading image %s: %w", s.Ref, err)
	}
	c := planned{inspection: in, plan: p}
	if err := c.settings(); err != nil {
		return Judgement{}, err
	}
	c.compare("label", in.config.Config.Labels, p.Config.Config.Labels)
	if in.ownAnnotation() {
		c.compare("annotation", in.manifest.Annotations, p.Annotations)
	}
	if broken := in.broken(); broken != nil {
		c.unknown("files: %v", broken)
	} else {
		c.files()
	}
	// Digests over the rest say nothing new: what they are of comes first.
	slices.SortStableFunc(c.fails, func(a, b Finding) int { return derived(a) - derived(b) })
	return Judgement{Fails: c.fails, Warns: c.warns, Unknowns: c.unknowns, Passed: "labels, config, annotations and files are as planned"}, nil
}

func derived(f Finding) int {
	for _, key := range []string{tuning.LabelSpecDigest, tuning.LabelPlanDigest, tuning.LabelSeal} {
		if strings.HasSuffix(f.Where, " "+key) {
			return 1
		}
	}
	return 0
}

// planned is one comparison of an image with a plan.
type planned struct {
	*inspection
	tally
	plan plan.Plan
}

func (c *planned) differ(where, got, want string) {
	c.fail(where, got, "the spec plans "+want)
}

// config compares the fields of the config, whatever they are, in their JSON form.
func (c *planned) settings() error {
	if got, want := c.config.Platform, c.plan.Platform; got.OS != want.OS || got.Architecture != want.Architecture || got.Variant != want.Variant {
		c.differ("config platform", c.platformName(), strings.TrimRight(want.OS+"/"+want.Architecture+"/"+want.Variant, "/"))
	}
	data, err := json.Marshal(c.plan.Config.Config)
	if err != nil {
		return fmt.Errorf("encoding the planned config: %w", err)
	}
	got, want := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &want); err != nil {
		return fmt.Errorf("reading the planned config: %w", err)
	}
	if len(c.config.Raw.Config) > 0 {
		if err := json.Unmarshal(c.config.Raw.Config, &got); err != nil {
			return fmt.Errorf("reading config: %w", err)
		}
	}
	for _, key := range unionOf(got, want) {
		if key == "Labels" || (empty(got[key]) && empty(want[key])) {
			continue
		}
		if key == "Env" {
			c.env(c.config.Config.Env, c.plan.Config.Config.Env)
			continue
		}
		if a, b := normal(got[key]), normal(want[key]); a != b {
			c.differ("config "+key, a, b)
		}
	}
	return nil
}

// env compares the environment by names: an entry that differs is named alone.
func (c *planned) env(got, want []string) {
	a, b := envOf(got), envOf(want)
	before := len(c.fails)
	c.compare("env", a, b)
	if len(c.fails) == before && !slices.Equal(got, want) {
		c.differ("config Env", strings.Join(got, " "), strings.Join(want, " "))
	}
}

func envOf(list []string) map[string]string {
	out := map[string]string{}
	for _, kv := range list {
		name, value, _ := strings.Cut(kv, "=")
		out[name] = value
	}
	return out
}

// compare names every key that differs.
func (c *planned) compare(what string, got, want map[string]string) {
	for _, key := range unionOf(got, want) {
		a, inImage := got[key]
		b, inPlan := want[key]
		if inImage && inPlan && a == b {
			continue
		}
		c.differ(what+" "+key, valueOrNone(a, inImage), valueOrNone(b, inPlan))
	}
}

func valueOrNone(value string, present bool) string {
	if !present {
		return "none"
	}
	return value
}

func unionOf[V any](a, b map[string]V) []string {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]V{}
	}
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

func empty(raw json.RawMessage) bool {
	return slices.Contains([]string{"", "null", `""`, "[]", "{}", "false", "0"}, string(raw))
}

// normal is JSON with sorted keys and no spaces.
func normal(raw json.RawMessage) string {
	if empty(raw) {
		return "none"
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return string(raw)
	}
	data, err := json.Marshal(v)
	if err != nil {
		return string(raw)
	}
	return string(data)
}

// files compares what the plan knows of our layers.
func (c *planned) files() {
	base := len(c.plan.Base.DiffIDs)
	if got, want := len(c.layers)-base, len(c.plan.Layers); got != want {
		c.differ("layers", fmt.Sprintf("%d", got+base), fmt.Sprintf("%d", want+base))
	}
	for i, id := range c.plan.Base.DiffIDs {
		if ids := c.config.RootFS.DiffIDs; i < len(ids) && ids[i] != id {
			c.differ(fmt.Sprintf("layer %d", i), ids[i].String(), id.String()+" of the base")
		}
	}
	known, trees := map[string]bool{}, []string{}
	for _, l := range c.plan.Layers {
		for _, f := range l.Files {
			known[f.Path] = true
			if f.Source.Tree != "" {
				trees = append(trees, f.Path)
			}
			c.file(f)
		}
	}
	for e := range c.root.All() {
		if e.Path != "/" && e.Layer >= base && !known[e.Path] && !below(e.Path, trees) {
			c.differ(e.Path, fmt.Sprintf("%s from layer %d", e.Type, e.Layer), "no such file")
		}
	}
}

func below(name string, trees []string) bool {
	return slices.ContainsFunc(trees, func(t string) bool { return t == "/" || strings.HasPrefix(name, path.Clean(t)+"/") })
}

func (c *planned) file(f plan.File) {
	e, ok := c.root.Lookup(f.Path)
	if !ok {
		c.differ(f.Path, "no such file", "one")
		return
	}
	want := rootfs.File
	switch {
	case f.Source.Dir || f.Source.Tree != "":
		want = rootfs.Dir
	case f.Source.Symlink != "":
		want = rootfs.Symlink
	}
	if e.Type != want {
		c.differ(f.Path, string(e.Type), string(want))
		return
	}
	if f.Source.Symlink != "" && e.Link != f.Source.Symlink {
		c.differ(f.Path, "a link to "+e.Link, "one to "+f.Source.Symlink)
	}
	if f.Mode != 0 && e.Mode != f.Mode {
		c.differ(f.Path, fmt.Sprintf("mode %04o", uint32(e.Mode)), fmt.Sprintf("mode %04o", uint32(f.Mode)))
	}
	if e.UID != f.UID || e.GID != f.GID {
		c.differ(f.Path, fmt.Sprintf("owner %d:%d", e.UID, e.GID), fmt.Sprintf("owner %d:%d", f.UID, f.GID))
	}
}
