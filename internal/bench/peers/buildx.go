package peers

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll-build/plimsoll/internal/bench/figures"
)

// buildx builds a file with the frontend that the file names.
type buildx struct {
	Setting
	file func(main string) string
}

// WithMounts is a Dockerfile that keeps modules and compiled packages in cache mounts.
func WithMounts(s Setting) Peer { return &buildx{s, mountsFile} }

// WithSyntax is WithMounts with a line that names the frontend's image.
func WithSyntax(s Setting) Peer { return &buildx{s, syntaxFile} }

// WithLayers is a Dockerfile whose modules are a layer.
func WithLayers(s Setting) Peer { return &buildx{s, layersFile} }

// Plimsoll is our frontend.
func Plimsoll(s Setting) Peer { return &buildx{s, specFile} }

// Build is `docker buildx build` on the daemon of the build.
func (p *buildx) Build(ctx context.Context, b Build) ([]figures.Step, error) {
	config, err := os.MkdirTemp("", "plimsoll-bench-buildx-")
	if err != nil {
		return nil, fmt.Errorf("making buildx's configuration: %w", err)
	}
	defer os.RemoveAll(config)
	env := []string{"DOCKER_CONFIG=" + config, "BUILDX_CONFIG=" + filepath.Join(config, "buildx"), "BUILDX_BUILDER=bench", "BUILDX_GIT_INFO=false"}
	if _, err := run(ctx, "", env, p.Buildx, "create", "--name", "bench", "--driver", "remote", b.Addr); err != nil {
		return nil, err
	}
	argv := []string{
		p.Buildx, "build", "--progress=rawjson", "--provenance=false", "-f", filepath.Join(b.Dir, p.file(b.Main)),
		"--platform", strings.Join(b.Platforms, ","), "--build-arg", "GOPROXY=" + p.Proxy, "--build-arg", "REVISION=" + b.Revision,
		"--output", "type=image,push=true,compression=zstd,oci-mediatypes=true,name=" + b.Ref,
	}
	if b.CacheFrom != "" {
		argv = append(argv, "--cache-from", "type=registry,ref="+b.CacheFrom)
	}
	if b.CacheTo != "" {
		argv = append(argv, "--cache-to", "type=registry,mode=max,compression=zstd,ref="+b.CacheTo)
	}
	progress, err := run(ctx, "", env, append(argv, b.Dir)...)
	if err != nil {
		return nil, err
	}
	return steps(progress)
}

// status is what buildx prints for each change, as far as we read it.
type status struct {
	Vertexes []struct {
		Digest             string
		Name               string
		Started, Completed *time.Time
		Cached             bool
	}
	Statuses []struct {
		ID, Vertex         string
		Started, Completed *time.Time
	}
}

// steps reads --progress=rawjson: each vertex, and the transfers within it, as they ended.
func steps(progress []byte) ([]figures.Step, error) {
	spans, names := map[string]*span{}, map[string]string{}
	dec := json.NewDecoder(bytes.NewReader(progress))
	for {
		var s status
		if err := dec.Decode(&s); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("reading the progress of buildx: %w", err)
		}
		for _, v := range s.Vertexes {
			names[v.Digest] = v.Name
			add(spans, v.Digest, v.Name, v.Started, v.Completed, v.Cached)
		}
		for _, t := range s.Statuses {
			add(spans, t.Vertex+" "+t.ID, names[t.Vertex]+": "+t.ID, t.Started, t.Completed, false)
		}
	}
	return sorted(spans), nil
}

// span is a vertex or transfer; one that runs in parts lasts from its first start.
type span struct {
	name        string
	start, last time.Time
	cached      bool
}

func add(spans map[string]*span, key, name string, started, completed *time.Time, cached bool) {
	if started == nil || completed == nil {
		return
	}
	s, ok := spans[key]
	if !ok {
		s = &span{name: name, start: *started}
		spans[key] = s
	}
	if started.Before(s.start) {
		s.start = *started
	}
	if completed.After(s.last) {
		s.last = *completed
	}
	s.cached = cached
}

func sorted(spans map[string]*span) []figures.Step {
	var first time.Time
	for _, s := range spans {
		if first.IsZero() || s.start.Before(first) {
			first = s.start
		}
	}
	var out []figures.Step
	for _, s := range spans {
		out = append(out, figures.Step{Name: s.name, Start: s.start.Sub(first).Seconds(), Seconds: s.last.Sub(s.start).Seconds(), Cached: s.cached})
	}
	slices.SortFunc(out, func(a, b figures.Step) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Name, b.Name))
	})
	return out
}
