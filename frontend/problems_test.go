package frontend

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/opencontainers/go-digest"
)

func asError[E error](err error, target *E) bool { return errors.As(err, target) }

// TestProblems holds that what is wrong comes back with the lines it is about, from
// whichever part found it.
func TestProblems(t *testing.T) {
	for _, c := range []struct {
		name, spec string
		opts       []string
		edit       func(*gateway)
		lines      []int32
		says       []string
	}{
		{name: "spec", spec: minimal + "buld: {}\nruntime:\n  pids: many\n", lines: []int32{2, 4}, says: []string{"plimsoll.yaml:2:", "plimsoll.yaml:4:"}},
		{name: "same line twice", spec: minimal + "a: 1\n", lines: []int32{2}, says: []string{"plimsoll.yaml:2:1"}},
		{name: "argument", spec: minimal + "image:\n  args: [\"${NOPE}\"]\n", lines: []int32{3}, says: []string{"NOPE"}},
		{name: "reserved label", spec: minimal, opts: []string{"label:build.plimsoll.x=1"}, says: []string{"build.plimsoll."}},
		{name: "facts", spec: minimal + "build:\n  main: ./cmd/x\nimage:\n  files:\n  - {from: none, to: /none}\n",
			lines: []int32{3, 6}, says: []string{"build.main: ", "image.files[0].from: none is not in the build context"}},
		{name: "base", spec: minimal + "image:\n  base: docker.io/library/none:1\n", lines: []int32{3}, says: []string{"image.base: ", "docker.io/library/none:1"}},
		{name: "bad reference", spec: minimal + "image:\n  base: docker.io/UPPER:1\n", lines: []int32{3}, says: []string{"image.base"}},
		{name: "toolchain image", spec: minimal + "build:\n  image: example.com/go:1\n", lines: []int32{3}, says: []string{"build.image: ", "example.com/go:1"}},
		{name: "another Go", spec: minimal + "build:\n  go: \"1.26.1\"\n  image: docker.io/library/golang:1.26\n", lines: []int32{3},
			says: []string{"build.go: ", "holds Go 1.26.8"}},
		{name: "silent toolchain", spec: minimal + "build:\n  go: \"1.26\"\n  image: example.com/go:1\n", lines: []int32{3},
			edit: func(g *gateway) { g.images["example.com/go:1"] = testImage{someDigest, "{}"} }, says: []string{"exact"}},
		{name: "planner", spec: minimal + "build:\n  ldflags: [\"-X 'a\"]\n", lines: []int32{3}, says: []string{"build.ldflags"}},
		{name: "no spec", spec: minimal, opts: []string{"filename=other.yaml"}, says: []string{"reading the spec"}},
		{name: "epoch", spec: minimal, opts: []string{"build-arg:SOURCE_DATE_EPOCH=today"}, says: []string{"SOURCE_DATE_EPOCH"}},
		{name: "huge epoch", spec: minimal, opts: []string{"build-arg:SOURCE_DATE_EPOCH=99999999999"}, says: []string{"99999999999"}},
		{name: "platform", spec: minimal, opts: []string{"platform=windows/amd64"}, says: []string{"windows/amd64"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGateway(c.spec).with(c.opts...)
			if c.edit != nil {
				c.edit(g)
			}
			_, err := Build(t.Context(), g)
			if err == nil {
				t.Fatal("no error")
			}
			var lines []int32
			for _, s := range errdefs.Sources(err) {
				lines = append(lines, s.Ranges[0].Start.Line)
				if s.Info.Filename != "plimsoll.yaml" || string(s.Info.Data) != c.spec {
					t.Errorf("excerpts would be of %s", s.Info.Filename)
				}
			}
			if diff := cmp.Diff(c.lines, lines); diff != "" {
				t.Errorf("lines (-want +got):\n%s\n%v", diff, err)
			}
			for _, text := range c.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%q does not say %q", err, text)
				}
			}
		})
	}
}

// TestManyProblems bounds what one error carries.
func TestManyProblems(t *testing.T) {
	g := newGateway(minimal + manyKeys(50))
	_, err := Build(t.Context(), g)
	if n := len(errdefs.Sources(err)); n != maxExcerpts {
		t.Errorf("%d excerpts", n)
	}
	if n := strings.Count(err.Error(), "plimsoll.yaml:"); n != 50 {
		t.Errorf("%d of 50 problems are told", n)
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("bad" + strings.Repeat("x", i) + ": 1\n")
	}
	return b.String()
}

func TestWarnings(t *testing.T) {
	g := newGateway(minimal+"image:\n  base: docker.io/library/debian:13\n").with(
		"build-arg:NOPE=1", "build-arg:BUILDKIT_SOMETHING=1", "force-network-mode=host", "platform=linux/amd64,linux/arm64", "no-cache=stage")
	g.images["docker.io/library/debian:13"] = testImage{someDigest, `{"os":"linux","architecture":"amd64"}`}
	mustBuild(t, g)
	var rules []string
	for _, w := range g.warnings {
		rule, _, _ := strings.Cut(w.text, ":")
		rules = append(rules, rule)
		if rule == "floating-base" && w.line != 3 {
			t.Errorf("%s is about line %d", rule, w.line)
		}
	}
	if diff := cmp.Diff([]string{"undeclared-arg", "floating-base", "network-mode", "no-cache-filter"}, rules); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

// TestCancelled holds that an interrupted build is not reported as a wrong spec.
func TestCancelled(t *testing.T) {
	g := &cancelled{newGateway(minimal + "image: {base: docker.io/library/debian:13}\n")}
	if _, err := Build(t.Context(), g); !errors.Is(err, context.Canceled) || len(errdefs.Sources(err)) > 0 {
		t.Errorf("%v", err)
	}
}

// cancelled is interrupted while it resolves an image.
type cancelled struct{ *gateway }

func (c *cancelled) ResolveImageConfig(context.Context, string, sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	return "", "", nil, context.Canceled
}
