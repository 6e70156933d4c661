package frontend

import (
	"encoding/json"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// A commit as git stores it, without the header.
const commit = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n" +
	"author A <a@example.com> 1600000000 +0200\ncommitter A <a@example.com> 1600000001 +0200\n\nfirst\n"

// TestSource holds where the source stands, by what the client says and what a git context is.
func TestSource(t *testing.T) {
	git := []string{"context=https://user:token@example.com/svc.git#main"}
	for _, c := range []struct {
		name                            string
		opts                            []string
		revision, url, version, created string
	}{
		{name: "nothing", created: "1970-01-01T00:00:00Z"},
		{name: "arguments", opts: []string{"build-arg:REVISION=r", "build-arg:VERSION=v", "build-arg:SOURCE_DATE_EPOCH=10", "vcs:revision=no"},
			revision: "r", version: "v", created: "1970-01-01T00:00:10Z"},
		{name: "buildx", opts: []string{"vcs:revision=abc-dirty", "vcs:source=https://u:p@example.com/x"}, revision: "abc-dirty",
			url: "https://example.com/x", created: "1970-01-01T00:00:00Z"},
		{name: "git", opts: git, revision: "c0ffee", url: "https://example.com/svc.git", created: "2020-09-13T12:26:41Z"},
		{name: "git, overridden", opts: append(slices.Clone(git), "build-arg:REVISION=r", "build-arg:SOURCE_DATE_EPOCH=0"), revision: "r",
			url: "https://example.com/svc.git", created: "1970-01-01T00:00:00Z"},
		{name: "git, epoch by name", opts: append(slices.Clone(git), "build-arg:SOURCE_DATE_EPOCH=context"), revision: "c0ffee",
			url: "https://example.com/svc.git", created: "2020-09-13T12:26:41Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGateway(minimal).with(c.opts...)
			g.context["plimsoll.yaml"] = g.spec["plimsoll.yaml"]
			g.commit = &sourceresolver.ResolveGitResponse{Checksum: "tag", CommitChecksum: "c0ffee", CommitObject: []byte(commit)}
			res := mustBuild(t, g)
			var config plan.Image
			if err := json.Unmarshal(res.Metadata[exptypes.ExporterImageConfigKey], &config); err != nil {
				t.Fatal(err)
			}
			const label = "org.opencontainers.image."
			got := []string{config.Config.Labels[label+"revision"], config.Config.Labels[label+"source"],
				config.Config.Labels[label+"version"], config.Config.Labels[label+"created"]}
			if diff := cmp.Diff([]string{c.revision, c.url, c.version, c.created}, got); diff != "" {
				t.Errorf("revision, source, version, created (-want +got):\n%s", diff)
			}
		})
	}
}

// TestIgnoreFile holds that a context that no client has filtered is filtered here, for
// facts and for the build alike.
func TestIgnoreFile(t *testing.T) {
	remote := "context=https://example.com/svc.git#main"
	const spec = minimal + "image: {files: [{from: conf, to: /conf}]}\n"
	for _, c := range []struct {
		name, option, file string
		excludes           []string
		missing            bool
	}{
		{"git", remote, ".dockerignore", []string{"docs", "!docs/keep"}, false},
		{"git, of the spec", remote, "plimsoll.yaml.dockerignore", []string{"docs"}, false},
		{"git, what the build needs", remote, ".dockerignore", []string{"conf"}, true},
		{"local", "", ".dockerignore", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGateway(spec)
			if c.option != "" {
				g.with(c.option)
			}
			g.commit = &sourceresolver.ResolveGitResponse{}
			g.context["plimsoll.yaml"] = g.spec["plimsoll.yaml"]
			text := "# comment\n"
			for _, p := range c.excludes {
				text += p + "\n"
			}
			g.context[c.file] = &fstest.MapFile{Data: []byte(text)}
			_, err := Build(t.Context(), g)
			if (err != nil) != c.missing {
				t.Fatalf("error %v", err)
			}
			if c.missing {
				return
			}
			got := g.find(t, "normalise the build context").GetFile().Actions[0].GetCopy().ExcludePatterns
			if diff := cmp.Diff(c.excludes, got); diff != "" {
				t.Errorf("excludes (-want +got):\n%s", diff)
			}
		})
	}
}
