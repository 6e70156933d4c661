package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/plimsoll-build/plimsoll/internal/bench/figures"
	"github.com/plimsoll-build/plimsoll/internal/bench/peers"
	"github.com/plimsoll-build/plimsoll/internal/bench/service"
	"github.com/plimsoll-build/plimsoll/internal/testenv"
)

// contender is a peer by its name in the report.
type contender struct {
	name string
	peers.Peer
}

// runner holds what a run of the benchmark needs, and what it measured so far.
type runner struct {
	options
	bed    *testenv.Bed
	proxy  *http.Server
	bytes  testenv.Traffic // of the module proxy
	dir    string          // everything below is removed at the end
	tree   string
	env    []string // of the go command in the tree
	tools  peers.Setting
	graph  []contender // by BuildKit
	hosted []contender // by this machine
	// seeded are the daemons that built the first time, by peer.
	seeded map[string]*testenv.Daemon
	edits  int
	report figures.Report
}

func newRunner(ctx context.Context, o options) (_ *runner, err error) {
	r := &runner{options: o, seeded: map[string]*testenv.Daemon{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if r.dir, err = os.MkdirTemp("", "plimsoll-bench-"); err != nil {
		return nil, err
	}
	r.tree = filepath.Join(r.dir, "fleet")
	if r.bed, err = testenv.Start(ctx, testenv.Options{WholeGo: true}); err != nil {
		return nil, err
	}
	if err := r.startProxy(ctx); err != nil {
		return nil, err
	}
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// startProxy serves this machine's module cache, so that no peer measures the internet.
func (r *runner) startProxy(ctx context.Context) error {
	cache, err := output(ctx, "", nil, "go", "env", "GOMODCACHE")
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("starting the module proxy: %w", err)
	}
	files := http.FileServer(http.Dir(filepath.Join(cache, "cache", "download")))
	r.proxy = &http.Server{Handler: r.bytes.Count(files)}
	go func() { _ = r.proxy.Serve(listener) }()
	r.tools.Proxy = "http://" + listener.Addr().String()
	return nil
}

func (r *runner) contenders() {
	for _, c := range []contender{
		{figures.Plimsoll, peers.Plimsoll(r.tools)}, {figures.Mounts, peers.WithMounts(r.tools)}, {figures.Layers, peers.WithLayers(r.tools)},
	} {
		if wanted(r.peers, c.name) {
			r.graph = append(r.graph, c)
		}
	}
	for _, c := range []contender{
		{figures.Embedded, peers.Embedded(r.tools, "gzip")}, {figures.EmbeddedZstd, peers.Embedded(r.tools, "zstd")}, {figures.KoCache, peers.Ko(r.tools, true)}, {figures.Ko, peers.Ko(r.tools, false)},
	} {
		if wanted(r.peers, c.name) {
			r.hosted = append(r.hosted, c)
		}
	}
}

// stamp is the revision that a peer's binaries hold. It is not another's: one that makes the same
// image as one before it would not have to push.
func stamp(commit, peer string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(commit+peer)))[:len(commit)]
}

// build is the common part of a peer's build.
func (r *runner) build(peer string) (peers.Build, error) {
	commit, err := service.Revision(r.tree)
	return peers.Build{
		Dir: r.tree, Main: service.Main, Revision: stamp(commit, peer), Platforms: []string{"linux/" + runtime.GOARCH},
		Ref: r.bed.Registry.Addr + "/built/" + slug(peer) + ":latest", State: filepath.Join(r.dir, "state", slug(peer)),
	}, err
}

// cache is where a peer's cache is exported to.
func (r *runner) cache(peer, tag string) string {
	return r.bed.Registry.Addr + "/cache/" + slug(peer) + ":" + tag
}

// slug is a peer's name as a path.
func slug(peer string) string {
	return strings.NewReplacer(",", "", " ", "-").Replace(strings.ToLower(peer))
}

// measure builds once and keeps the figure.
func (r *runner) measure(ctx context.Context, c string, run int, p contender, b peers.Build) error {
	registry := r.bed.Registry.Traffic()
	pulled, pushed, modules := registry.Pulled(), registry.Pushed(), r.bytes.Pulled()
	start := time.Now()
	steps, err := p.Build(ctx, b)
	seconds := time.Since(start).Seconds()
	if err != nil {
		return fmt.Errorf("%s: %s: %w", c, p.name, err)
	}
	r.report.Figures = append(r.report.Figures, figures.Figure{
		Case: c, Peer: p.name, Run: run, Seconds: seconds, Steps: steps,
		Pulled: registry.Pulled() - pulled, Pushed: registry.Pushed() - pushed, Modules: r.bytes.Pulled() - modules,
	})
	fmt.Printf("%-42s %-30s %2d %8.2f s\n", c, p.name, run, seconds)
	return nil
}

// edit changes the tree; no two edits of a run are alike.
func (r *runner) edit(ctx context.Context, e service.Edit) error {
	r.edits++
	return service.Apply(ctx, r.tree, e, r.edits, r.env)
}

func (r *runner) close() error {
	var errs []error
	for _, d := range r.seeded {
		errs = append(errs, d.Stop())
	}
	if r.bed != nil {
		errs = append(errs, r.bed.Close())
	}
	if r.proxy != nil {
		errs = append(errs, r.proxy.Close())
	}
	if r.keep {
		fmt.Println("kept", r.dir)
		return errors.Join(errs...)
	}
	return errors.Join(append(errs, removeAll(r.dir))...)
}
