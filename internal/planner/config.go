package planner

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

// baseImage is the base as the config is merged from it.
type baseImage struct {
	plan.Base
	image   plan.Image
	history []ocispec.History
}

// base reads the base image's config for a platform; scratch has none.
func (p *planning) base(platform ocispec.Platform) baseImage {
	if baseRef(p.service) == "" {
		return baseImage{}
	}
	img := p.facts.Bases[platforms.Format(platform)]
	var file struct {
		plan.Image
		RootFS struct {
			DiffIDs []digest.Digest `json:"diff_ids"`
		} `json:"rootfs"`
	}
	if err := json.Unmarshal(img.Config, &file); err != nil {
		p.problem("image.base", "base", "the config of %s cannot be read: %v", img.Ref, err)
	}
	if img.Digest == "" {
		p.warn("image.base", "base-digest", "%s comes from a build context without a digest: the base.digest label is absent", img.Ref)
	} else if !strings.Contains(baseRef(p.service), "@") {
		p.warn("image.base", "floating-base", "%s is a tag that may move; %s@%s would not", img.Ref, img.Ref, img.Digest)
	}
	return baseImage{
		Base:    plan.Base{Ref: img.Ref, Digest: img.Digest, DiffIDs: file.RootFS.DiffIDs},
		image:   file.Image,
		history: p.padded(file.History, len(file.RootFS.DiffIDs)),
	}
}

// padded is the base's history with an entry for each of its layers and a time in
// each: BuildKit fills gaps with the wall clock.
func (p *planning) padded(history []ocispec.History, layers int) []ocispec.History {
	out := slices.Clone(history)
	n := 0
	for i := range out {
		if out[i].Created == nil {
			out[i].Created = p.created()
		}
		if !out[i].EmptyLayer {
			n++
		}
	}
	for ; n < layers; n++ {
		out = append(out, ocispec.History{Created: p.created(), CreatedBy: "base image layer"})
	}
	return out
}

func (p *planning) created() *time.Time {
	t := p.epoch()
	return &t
}

// config is the final image config: the base's with the service's on top.
func (p *planning) config(platform ocispec.Platform, base baseImage) plan.Image {
	img := plan.Image{
		Created:  p.epoch(),
		Author:   base.image.Author,
		Platform: platform,
		Config:   base.image.Config,
		History:  base.history,
	}
	for _, l := range p.stack {
		img.History = append(img.History, ocispec.History{Created: p.created(), CreatedBy: "plimsoll: layer " + l.Name})
	}
	p.run(&img.Config, base.Scratch())
	return img
}

// run merges what a container runs with.
func (p *planning) run(c *plan.RunConfig, scratch bool) {
	s := p.service.Image
	c.User = p.user.String()
	c.Entrypoint, c.Cmd = s.Entrypoint, s.Args
	if len(c.Entrypoint) == 0 {
		c.Entrypoint = []string{"/" + p.binaries[0].name}
	}
	if program := c.Entrypoint[0]; !strings.HasPrefix(program, "/") {
		p.problem("image.entrypoint", "entrypoint", "%q is not an absolute path, and nothing looks for it: binaries are at the root, such as /%s", program, p.binaries[0].name)
	}
	if s.Workdir != "" {
		c.WorkingDir = s.Workdir
	}
	if c.WorkingDir == "" {
		c.WorkingDir = "/"
	}
	if s.StopSignal != "" {
		c.StopSignal = s.StopSignal
	}
	c.Env = p.env(c.Env, scratch)
	c.ExposedPorts = addAll(c.ExposedPorts, ports(s.Ports))
	c.Volumes = addAll(c.Volumes, s.Volumes)
	c.Labels = p.inherited(c.Labels)
}

// env is the base's environment in its order, then what the image and the tuning
// set, sorted. A base's own runtime variables would contradict the labels.
func (p *planning) env(base []string, scratch bool) []string {
	set := map[string]string{}
	if scratch {
		base = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + p.user.home()}
	}
	if p.tzdata() {
		set["ZONEINFO"] = zoneinfoPath
	}
	maps.Copy(set, p.service.Image.Env)
	maps.Copy(set, p.runtimeEnv())
	var out []string
	for _, kv := range base {
		key, _, _ := strings.Cut(kv, "=")
		_, ours := set[key]
		switch {
		case ours:
		case slices.Contains([]string{"GOMEMLIMIT", "GOMAXPROCS", "GOGC", "GODEBUG"}, key):
			p.warn("image.base", "base-env", "%s of the base image is dropped: the runtime section of the spec decides it", kv)
		default:
			out = append(out, kv)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(set)) {
		out = append(out, key+"="+set[key])
	}
	return out
}

// inherited are the base's labels that stay true of the image above it.
func (p *planning) inherited(base map[string]string) map[string]string {
	out := map[string]string{}
	for key, value := range base {
		if !strings.HasPrefix(key, tuning.Prefix) && !slices.Contains(standardLabels, key) {
			out[key] = value
		}
	}
	return out
}

func addAll(set map[string]struct{}, keys []string) map[string]struct{} {
	if len(set)+len(keys) == 0 {
		return nil
	}
	out := maps.Clone(set)
	if out == nil {
		out = map[string]struct{}{}
	}
	for _, key := range keys {
		out[key] = struct{}{}
	}
	return out
}

// ports writes each port with its protocol, as the image spec wants.
func ports(list []string) []string {
	var out []string
	for _, port := range list {
		if !strings.Contains(port, "/") {
			port += "/tcp"
		}
		out = append(out, port)
	}
	return out
}
