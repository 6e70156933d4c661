package main

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/crane"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/plimsoll-build/plimsoll/internal/bench/figures"
	"github.com/plimsoll-build/plimsoll/internal/bench/service"
	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// floor measures what no build after an edited line can do without: the layers of our
// cache that the edit leaves as they are, pulled and unpacked, and a warm go build here.
func (r *runner) floor(ctx context.Context) error {
	if !wanted(r.cases, figures.Unpack) || r.seeded[figures.Plimsoll] == nil {
		return nil
	}
	layers, err := r.floorLayers(ctx)
	if err != nil {
		return err
	}
	if err := r.stopSeeded(); err != nil {
		return err
	}
	build, err := r.planned(ctx)
	if err != nil {
		return err
	}
	for run := -1; run < r.runs; run++ {
		if err := r.floorRun(ctx, run, layers, build); err != nil {
			return err
		}
	}
	return nil
}

// floorRun measures both parts; the run before the first warms the build cache.
func (r *runner) floorRun(ctx context.Context, run int, layers []v1.Descriptor, build func() error) error {
	return r.edited(ctx, service.InLeaf, func() error {
		start := time.Now()
		if err := build(); err != nil {
			return err
		}
		if run < 0 {
			return nil
		}
		r.keepFigure(figures.GoBuild, run, time.Since(start), 0)
		start = time.Now()
		pulled, err := r.unpackAll(ctx, layers)
		r.keepFigure(figures.Unpack, run, time.Since(start), pulled)
		return errors.Join(err, removeAll(filepath.Join(r.dir, "unpacked")))
	})
}

func (r *runner) keepFigure(c string, run int, took time.Duration, pulled int64) {
	r.report.Figures = append(r.report.Figures, figures.Figure{Case: c, Peer: figures.Host, Run: run, Seconds: took.Seconds(), Pulled: pulled})
	fmt.Printf("%-42s %-30s %2d %8.2f s\n", c, figures.Host, run, took.Seconds())
}

// floorLayers are the layers that the caches before and after an edit share.
func (r *runner) floorLayers(ctx context.Context) ([]v1.Descriptor, error) {
	err := r.edited(ctx, service.InLeaf, func() error {
		b, err := r.build(figures.Plimsoll)
		if err != nil {
			return err
		}
		b.Addr, b.CacheTo = r.seeded[figures.Plimsoll].Addr, r.cache(figures.Plimsoll, "edited")
		i := slices.IndexFunc(r.graph, func(c contender) bool { return c.name == figures.Plimsoll })
		_, err = r.graph[i].Build(ctx, b)
		return err
	})
	if err != nil {
		return nil, err
	}
	first, err := cacheLayers(ctx, r.cache(figures.Plimsoll, "first"))
	if err != nil {
		return nil, err
	}
	edited, err := cacheLayers(ctx, r.cache(figures.Plimsoll, "edited"))
	if err != nil {
		return nil, err
	}
	var shared []v1.Descriptor
	for _, l := range first {
		same := slices.ContainsFunc(edited, func(e v1.Descriptor) bool { return e.Digest == l.Digest })
		if same && (r.without == "" || !hasPrefix(l.Digest, r.without)) {
			fmt.Printf("floor layer %s %8.1f MB\n", l.Digest, float64(l.Size)/1e6)
			shared = append(shared, l)
		}
	}
	return shared, nil
}

func hasPrefix(digest v1.Hash, prefixes string) bool {
	for p := range strings.SplitSeq(prefixes, ",") {
		if strings.HasPrefix(digest.String(), p) || strings.HasPrefix(digest.Hex, p) {
			return true
		}
	}
	return false
}

// cacheLayers reads the manifest of an exported cache: an image manifest, or an index
// whose entries are the layers and the cache's own config.
func cacheLayers(ctx context.Context, ref string) ([]v1.Descriptor, error) {
	data, err := crane.Manifest(ref, crane.Insecure, crane.WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("reading the cache %s: %w", ref, err)
	}
	var manifest struct{ Layers, Manifests []v1.Descriptor }
	if err := json.Unmarshal(data, &manifest); err != nil {
		return nil, fmt.Errorf("reading the cache %s: %w", ref, err)
	}
	return slices.DeleteFunc(append(manifest.Layers, manifest.Manifests...), func(d v1.Descriptor) bool {
		return !strings.Contains(string(d.MediaType), ".layer.") && !strings.Contains(string(d.MediaType), ".rootfs.")
	}), nil
}

// unpackAll downloads and unpacks layer after layer and returns the bytes pulled.
func (r *runner) unpackAll(ctx context.Context, layers []v1.Descriptor) (int64, error) {
	var pulled int64
	for i, l := range layers {
		pulled += l.Size
		dir := filepath.Join(r.dir, "unpacked", fmt.Sprint(i))
		if err := r.unpack(ctx, dir, l); err != nil {
			return 0, fmt.Errorf("unpacking %s: %w", l.Digest, err)
		}
	}
	return pulled, nil
}

func (r *runner) unpack(ctx context.Context, dir string, l v1.Descriptor) error {
	layer, err := crane.PullLayer(strings.TrimSuffix(r.cache(figures.Plimsoll, ""), ":")+"@"+l.Digest.String(), crane.Insecure, crane.WithContext(ctx))
	if err != nil {
		return err
	}
	compressed, err := layer.Compressed()
	if err != nil {
		return err
	}
	defer func() { _ = compressed.Close() }()
	var plain io.Reader
	if strings.HasSuffix(string(l.MediaType), "zstd") {
		d, err := zstd.NewReader(compressed)
		if err != nil {
			return err
		}
		defer d.Close()
		plain = d
	} else if plain, err = gzip.NewReader(compressed); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	return untar(root, tar.NewReader(plain))
}

// untar writes the files as a daemon does, owners and times aside.
func untar(root *os.Root, tr *tar.Reader) error {
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := strings.Trim(filepath.Clean("/"+h.Name), "/")
		if name == "" {
			continue
		}
		if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		switch h.Typeflag {
		case tar.TypeDir:
			err = root.MkdirAll(name, 0o755)
		case tar.TypeSymlink:
			err = root.Symlink(h.Linkname, name)
		case tar.TypeLink:
			err = root.Link(strings.Trim(filepath.Clean("/"+h.Linkname), "/"), name)
		case tar.TypeReg:
			err = writeEntry(root, name, tr)
		}
		if err != nil {
			return err
		}
	}
}

func writeEntry(root *os.Root, name string, from io.Reader) error {
	f, err := root.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Close())
}

// planned is the go build of the plan on this machine, with a build cache of its own.
func (r *runner) planned(ctx context.Context) (func() error, error) {
	text, err := output(ctx, r.tree, nil, r.tools.Plimsoll, "plan", "-f", "orders.plimsoll.yaml", "--platform", "linux/"+runtime.GOARCH, "--mirror", "docker.io="+r.bed.Registry.Addr, ".")
	if err != nil {
		return nil, err
	}
	var p plan.Plan
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return nil, fmt.Errorf("reading the plan: %w", err)
	}
	c, paths := p.Compiles[0], plan.Paths{Context: r.tree, Out: filepath.Join(r.dir, "floor-binary")}
	argv, err := plan.Argv(plan.Link, c, paths)
	if err != nil {
		return nil, err
	}
	env := append(plan.Environ(c, paths), "GOCACHE="+filepath.Join(r.dir, "floor-go-build"))
	return func() error {
		_, err := output(ctx, filepath.Join(r.tree, c.Dir), env, argv...)
		return err
	}, nil
}
