package frontend

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	"github.com/opencontainers/go-digest"

	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

func mustBuild(t *testing.T, g *gateway) *client.Result {
	t.Helper()
	res, err := Build(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// TestImage holds what the exporter is told of a single platform.
func TestImage(t *testing.T) {
	g := newGateway(minimal+"build: {stamp: {version: main.version}}\n").with(
		"build-arg:VERSION=1.2", "build-arg:SOURCE_DATE_EPOCH=1700000000", "label:team=a",
		`cache-imports=[{"Type":"registry","Attrs":{"ref":"cache"}}]`)
	res := mustBuild(t, g)
	if res.Ref == nil || len(res.Refs) > 0 {
		t.Error("a single platform has not a single reference")
	}
	var config plan.Image
	if err := json.Unmarshal(res.Metadata[exptypes.ExporterImageConfigKey], &config); err != nil {
		t.Fatal(err)
	}
	if got := config.Config.Entrypoint; !slices.Equal(got, []string{"/svc"}) {
		t.Errorf("entrypoint %q", got)
	}
	labels := config.Config.Labels
	if labels["team"] != "a" || labels["org.opencontainers.image.version"] != "1.2" || labels[tuning.LabelSeal] == "" {
		t.Errorf("labels %v", labels)
	}
	for key, value := range labels {
		if got := string(res.Metadata[exptypes.AnnotationManifestKey(nil, key)]); got != value {
			t.Errorf("annotation %s is %q, the label %q", key, got, value)
		}
	}
	if got := string(res.Metadata["source.date.epoch"]); got != "1700000000" {
		t.Errorf("epoch %q", got)
	}
	if _, ok := res.Metadata[exptypes.ExporterImageBaseConfigKey]; ok {
		t.Error("scratch has a base config")
	}
	if argv := g.find(t, "link svc").GetExec().Meta.Args; !slices.Contains(argv, "-ldflags=-s -w -X main.version=1.2") {
		t.Errorf("argv %q", argv)
	}
	for i, s := range g.solves {
		local := s.ops[0].GetSource() != nil && len(s.ops) == 1
		if !local && len(s.request.CacheImports) != 1 {
			t.Errorf("solve %d (%q) would not look into the remote cache", i, s.names)
		}
	}
}

func TestPlatforms(t *testing.T) {
	for _, c := range []struct {
		platform string
		want     []string
	}{
		{"", []string{"linux/amd64"}},
		{"linux/arm64", []string{"linux/arm64"}},
		{"linux/amd64,linux/arm64", []string{"linux/amd64", "linux/arm64"}},
	} {
		t.Run(c.platform, func(t *testing.T) {
			g := newGateway(minimal)
			if c.platform != "" {
				g.with("platform=" + c.platform)
			}
			res := mustBuild(t, g)
			found, err := exptypes.ParsePlatforms(res.Metadata)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, p := range found.Platforms {
				ids = append(ids, p.ID)
				if _, ok := res.FindRef(p.ID); !ok {
					t.Errorf("no reference for %s", p.ID)
				}
				key := exptypes.ExporterImageConfigKey
				if len(c.want) > 1 {
					key += "/" + p.ID
				}
				var config plan.Image
				if err := json.Unmarshal(res.Metadata[key], &config); err != nil || config.Architecture != p.Platform.Architecture {
					t.Errorf("config of %s: %v, %+v", p.ID, err, config.Platform)
				}
			}
			if diff := cmp.Diff(c.want, ids); diff != "" {
				t.Errorf("platforms (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTwice holds that two builds ask for the same bytes.
func TestTwice(t *testing.T) {
	definition := func() [][]byte {
		g := newGateway(minimal).with("label:a=1", "label:b=2", "label:c=3")
		mustBuild(t, g)
		return g.solves[len(g.solves)-1].request.Definition.Def
	}
	if !slices.EqualFunc(definition(), definition(), bytes.Equal) {
		t.Error("two builds of one spec ask for different definitions")
	}
}

func TestTargets(t *testing.T) {
	t.Run("binary", func(t *testing.T) {
		g := newGateway(minimal).with("target=binary")
		res := mustBuild(t, g)
		last := g.solves[len(g.solves)-1]
		if copied := last.ops[len(last.ops)-1].GetFile().Actions[0].GetCopy(); copied.Dest != "/svc" {
			t.Errorf("the binary is at %s", copied.Dest)
		}
		if config := string(res.Metadata[exptypes.ExporterImageConfigKey]); strings.Contains(config, "plimsoll") {
			t.Errorf("a lone binary has labels: %s", config)
		}
	})
	t.Run("plan", func(t *testing.T) {
		g := newGateway(minimal).with("target=plan")
		mustBuild(t, g)
		file := g.find(t, "write the plan").GetFile().Actions[0].GetMkfile()
		var p plan.Plan
		if err := json.Unmarshal(file.Data, &p); err != nil || file.Path != "/plan.json" {
			t.Fatalf("%s: %v", file.Path, err)
		}
		canonical, err := plan.Canonical(p)
		if err != nil || !bytes.Equal(append(canonical, '\n'), file.Data) {
			t.Errorf("not canonical: %s (%v)", file.Data, err)
		}
	})
	for _, target := range []string{"debug", "nothing"} {
		g := newGateway(minimal).with("target=" + target)
		if _, err := Build(t.Context(), g); err == nil || !strings.Contains(err.Error(), "binary, plan") {
			t.Errorf("target %s: %v", target, err)
		}
	}
}

// TestNamesAlone holds that what was not sent is not needed: tests are never read, and all else
// that may have build constraints was sent.
func TestNamesAlone(t *testing.T) {
	g := newGateway(minimal + "image: {files: [{from: conf, to: /conf}]}\n")
	for name, data := range map[string]string{
		"main_test.go": "package main\n", "add_amd64.s": "#include \"defs.inc\"\n", "defs.inc": "// nothing\n", "old.c": "//go:build ignore\n",
		"old.h": "//go:build ignore\n", "x.cc": "//go:build ignore\n",
	} {
		g.context[name] = &fstest.MapFile{Data: []byte(data)}
	}
	mustBuild(t, g)
	if len(g.warnings) > 0 {
		t.Errorf("warnings: %v", g.warnings)
	}
	patterns := func(name string) string {
		return g.find(t, name).GetSource().Attrs[pb.AttrIncludePatterns]
	}
	if got := patterns("[internal] load Go sources"); !strings.Contains(got, "add_amd64.s") || !strings.Contains(got, "defs.inc") || strings.Contains(got, "_test.go") || strings.Contains(got, "conf") {
		t.Errorf("sources that are asked for: %s", got)
	}
	if got := g.find(t, "[internal] load files of the image").GetSource().Attrs[pb.AttrFollowPaths]; got != `["conf"]` {
		t.Errorf("files that are asked for: %s", got)
	}
	g = newGateway(minimal + "image: {files: [{from: \"conf/a[1].txt\", to: /a}]}\n")
	g.context["conf/a[1].txt"] = &fstest.MapFile{}
	mustBuild(t, g)
	if got := g.find(t, "[internal] load build context").GetSource().Attrs[pb.AttrFollowPaths]; got != "" {
		t.Errorf("a name that reads as a pattern is asked for as one: %s", got)
	}
}

// TestGitIsNotListed holds that a repository's history is not looked at, unless it goes into the
// image, and that what the ignore file says stays.
func TestGitIsNotListed(t *testing.T) {
	for files, want := range map[string]string{
		"{from: conf, to: /conf}": `["secret",".git"]`, "{from: .git/HEAD, to: /head}": `["secret"]`, "{from: ., to: /all}": `["secret"]`,
	} {
		g := newGateway(minimal + "image: {files: [" + files + "]}\n")
		g.context[".dockerignore"], g.context[".git/HEAD"] = &fstest.MapFile{Data: []byte("secret\n")}, &fstest.MapFile{}
		mustBuild(t, g)
		got := ""
		for _, s := range g.solves {
			if src := s.ops[0].GetSource(); src != nil && src.Attrs[pb.AttrMetadataTransfer] == "true" {
				got = src.Attrs[pb.AttrExcludePatterns]
			}
		}
		if got != want {
			t.Errorf("with %s these are not listed: %s, want %s", files, got, want)
		}
	}
}

// TestSourcesChosenOnce holds that files are chosen from those that were sent only if a platform
// does not need them all.
func TestSourcesChosenOnce(t *testing.T) {
	for name, c := range map[string]struct {
		file   string
		chosen bool
	}{"alike": {"more.go", false}, "one has more": {"add_arm64.s", true}} {
		g := newGateway(minimal).with("platform=linux/amd64,linux/arm64")
		g.context[c.file] = &fstest.MapFile{Data: []byte("package main\n")}
		if c.chosen {
			g.context[c.file].Data = []byte("// nothing\n")
		}
		mustBuild(t, g)
		normalise := g.find(t, "normalise the service's sources").GetFile().Actions[0].GetCopy()
		if got := len(normalise.IncludePatterns) > 0; got != c.chosen {
			t.Errorf("%s: files are chosen: %v, by %q", name, got, normalise.IncludePatterns)
		}
	}
}

// TestTreeModes holds that a mode reaches a tree's files, not its directories or links.
func TestTreeModes(t *testing.T) {
	g := newGateway(minimal + "image: {files: [{from: conf, to: /conf, mode: \"0440\"}]}\n")
	mustBuild(t, g)
	var got []string
	for _, a := range g.find(t, "add layer files").GetFile().Actions {
		if c := a.GetCopy(); c != nil && c.ModeStr != "" {
			got = append(got, c.ModeStr+" "+c.Dest)
		}
	}
	if diff := cmp.Diff([]string{"0440 /conf/app.yaml", "0440 /conf/sub/more.txt"}, got); diff != "" {
		t.Errorf("modes (-want +got):\n%s", diff)
	}
}

// TestFetch holds what reaches the vertex that fetches modules, and which image runs it.
func TestFetch(t *testing.T) {
	g := newGateway(minimal+"build: {private: {patterns: [git.example.com/*], netrc: n, ca: c}}\n").with(
		"build-arg:GOPROXY=https://proxy.example.com", "build-arg:https_proxy=http://p:1", "add-hosts=git.example.com=10.0.0.1", "no-cache=")
	g.context["go.mod"].Data = append(g.context["go.mod"].Data, "require example.com/other v1.0.0\n"...)
	mustBuild(t, g)
	op := g.find(t, "fetch Go modules with --secret id=n --secret id=c")
	e := op.GetExec()
	for _, kv := range []string{"GOPRIVATE=git.example.com/*", "GOPROXY=https://proxy.example.com", "GOTOOLCHAIN=local", "PATH=/usr/local/go/bin"} {
		if !slices.Contains(e.Meta.Env, kv) {
			t.Errorf("%s is not in the environment %q", kv, e.Meta.Env)
		}
	}
	var secrets []string
	for _, m := range e.Mounts {
		if m.MountType == pb.MountType_SECRET {
			secrets = append(secrets, m.SecretOpt.ID)
		}
	}
	if !slices.Equal(secrets, []string{"n", "c"}) || e.Meta.ProxyEnv.GetHttpsProxy() != "http://p:1" || len(e.Meta.ExtraHosts) != 1 {
		t.Errorf("secrets %q, proxy %v, hosts %v", secrets, e.Meta.ProxyEnv, e.Meta.ExtraHosts)
	}
	last := g.solves[len(g.solves)-1]
	if !slices.ContainsFunc(last.ops, func(op *pb.Op) bool {
		return strings.HasPrefix(op.GetSource().GetIdentifier(), "docker-image://docker.io/library/golang:1.26@sha256:")
	}) {
		t.Error("private modules are not fetched with the full image, which has git")
	}
	if i := slices.IndexFunc(last.names, func(n string) bool { return strings.HasPrefix(n, "fetch") }); !last.metadata(i).IgnoreCache {
		t.Error("with --no-cache, modules come from the cache")
	}
}

func TestUnsupported(t *testing.T) {
	_, err := Build(t.Context(), newGateway(minimal).with("requestid=frontend.outline"))
	if unsupported := (*errdefs.UnsupportedSubrequestError)(nil); !asError(err, &unsupported) {
		t.Errorf("subrequest: %v", err)
	}
	old := &oldDaemon{newGateway(minimal)}
	if _, err := Build(t.Context(), old); err == nil || !strings.Contains(err.Error(), "too old") {
		t.Errorf("old daemon: %v", err)
	}
}

// oldDaemon knows file operations and no more.
type oldDaemon struct{ *gateway }

func (o *oldDaemon) BuildOpts() client.BuildOpts {
	opts := o.gateway.BuildOpts()
	opts.LLBCaps = pb.Caps.CapSet([]*apicaps.PBCap{{ID: string(pb.CapFileBase), Enabled: true}})
	return opts
}

var someDigest = digest.FromString("some image")
