package llbgen

import (
	"bytes"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/rootdata"

	"github.com/opencontainers/go-digest"
)

var update = flag.Bool("update", false, "rewrite golden files")

func options() Options {
	return Options{
		Context: llb.Local("context"),
		Toolchain: llb.Image("docker.io/library/golang:1.26.8-alpine").
			AddEnv("PATH", "/go/bin:/usr/local/go/bin:/bin").AddEnv("GOFLAGS", "-mod=mod"),
		BuildPlatform: ocispec.Platform{OS: "linux", Architecture: "amd64"},
		CacheID:       "go-build",
	}
}

func twoBinaries() plan.Plan {
	env := []string{"CGO_ENABLED=0", "GO111MODULE=on", "GOARCH=arm64", "GOENV=off", "GOEXPERIMENT=", "GOFLAGS=", "GOOS=linux", "GOTOOLCHAIN=local"}
	files := []string{"go.work", "lib/go.mod", "svc/go.mod", "svc/go.sum"}
	compile := func(name string) plan.Compile {
		return plan.Compile{
			Name: name, Dir: "svc", Package: "./cmd/" + name, Work: "go.work", ModFiles: files,
			Flags: []string{"-trimpath", "-mod=readonly"}, Ldflags: []string{"-s", "-w"}, Env: env,
		}
	}
	roots, _ := rootdata.Lookup(rootdata.CARoots)
	dir := func(p string, mode plan.Mode) plan.File {
		return plan.File{Path: p, Mode: mode, Source: plan.Source{Dir: true}}
	}
	return plan.Plan{
		Version:  plan.FormatVersion,
		Platform: ocispec.Platform{OS: "linux", Architecture: "arm64"},
		Go:       "1.26.8",
		Compiles: []plan.Compile{compile("api"), compile("worker")},
		Epoch:    1700000000,
		Layers: []plan.Layer{
			{Name: "system", Files: []plan.File{
				dir("/etc", 0o755),
				{Path: "/etc/certs.pem", Mode: 0o644, Source: plan.Source{Root: &plan.RootData{Name: rootdata.CARoots, Digest: digest.FromBytes(roots)}}},
				{Path: "/etc/passwd", Mode: 0o644, Source: plan.Source{Inline: []byte("root:x:0:0\n")}},
				dir("/tmp", 0o1777),
			}},
			{Name: "files", Files: []plan.File{
				{Path: "/app", UID: 7, GID: 8, Source: plan.Source{Tree: "svc/static"}},
				{Path: "/conf.yaml", Source: plan.Source{Context: "svc/conf.yaml"}},
				{Path: "/migrations", Mode: 0o444, Source: plan.Source{Tree: "svc/migrations"}},
				{Path: "/setuid", Mode: 0o4755, Source: plan.Source{Inline: []byte("x")}},
				{Path: "/version", Source: plan.Source{Symlink: "conf.yaml"}},
			}},
			{Name: "binaries", Files: []plan.File{
				{Path: "/api", Mode: 0o755, Source: plan.Source{Binary: "api"}},
				{Path: "/worker", Mode: 0o755, Source: plan.Source{Binary: "worker"}},
			}},
		},
	}
}

func private(o Options) Options {
	o.Fetch = Fetch{
		Env: map[string]string{"GOPRIVATE": "git.example.com/*", "GOPROXY": "https://proxy.example.com"}, Netrc: "netrc", CA: "corp",
		Proxy: &llb.ProxyEnv{HTTPSProxy: "http://proxy:3128", NoProxy: "localhost"},
		Hosts: []llb.HostIP{{Host: "git.example.com", IP: net.IPv4(10, 0, 0, 1)}},
	}
	return o
}

// listings adds what frontends find out about twoBinaries.
func listings(o Options) Options {
	o.GoRoot, o.Code = "/usr/local/go", llb.Local("code")
	shared := []string{"go.work", "lib/go.mod", "svc/go.mod", "svc/go.sum", "svc/internal/[x]/x.go"}
	o.Listings = map[string]Listing{}
	for name, deps := range map[string][]string{"api": {"example.org/a", "example.org/b/c"}, "worker": {"example.org/a", "example.org/z"}} {
		o.Listings[name] = Listing{Main: "example.com/svc/cmd/" + name, Files: append([]string{"svc/cmd/" + name + "/main.go"}, shared...), Deps: deps, Shared: []string{"lib/shared.go"}, Std: []string{"fmt", "net/http"}}
	}
	return o
}

func setListings(o Options, edit func(*Listing)) {
	for name, l := range o.Listings {
		edit(&l)
		o.Listings[name] = l
	}
}

// TestGraph holds the whole graph: argv, environments, mounts, networks, modes, names.
func TestGraph(t *testing.T) {
	trees := func(o Options) Options {
		o.TreeFiles = map[string][]string{"svc/migrations": {"001.sql", "sub/002.sql"}}
		return o
	}
	hello := twoBinaries()
	hello.Compiles = hello.Compiles[:1]
	hello.Compiles[0].ModFiles, hello.Compiles[0].Work, hello.Compiles[0].Dir = nil, "off", "."
	hello.Layers = []plan.Layer{{Name: "binaries", Files: hello.Layers[2].Files[:1]}}
	listed := listings(trees(private(options())))
	small := options()
	small.Listings = map[string]Listing{"api": {Files: []string{"go.mod", "main.go"}, Std: []string{"fmt"}}}
	vendored, profiled := listings(trees(options())), listings(trees(options()))
	vendored.GoRoot = ""
	setListings(vendored, func(l *Listing) { l.Vendor = "vendor" })
	large := listings(trees(options()))
	setListings(large, func(l *Listing) {
		for i := range seedFrom {
			l.Files = append(l.Files, fmt.Sprintf("svc/p%02d/p.go", i))
		}
		manyDeps(l)
	})
	oldGo := twoBinaries()
	oldGo.Go = "1.23.4"
	setListings(profiled, func(l *Listing) { l.Profile = "svc/cmd/api/default.pgo" })
	vendoredPlan := twoBinaries()
	for i := range vendoredPlan.Compiles {
		vendoredPlan.Compiles[i].ModFiles = nil
		vendoredPlan.Compiles[i].Flags = []string{"-trimpath", "-mod=vendor"}
	}
	overBase := trees(options())
	based := twoBinaries()
	based.Base.Ref = "docker.io/library/debian:13"
	overBase.Base = llb.Image("docker.io/library/debian:13")
	overBase.ShowPlatform = true
	overBase.Excludes = []string{"docs", "!docs/keep"}
	for _, c := range []struct {
		name string
		plan plan.Plan
		opts Options
		make func(plan.Plan, Options) (llb.State, error)
	}{
		{"image", twoBinaries(), trees(private(options())), nil},
		{"listed", twoBinaries(), listed, nil},
		{"large", twoBinaries(), large, nil},
		{"old", oldGo, listings(trees(options())), nil},
		{"small", hello, small, nil},
		{"vendored", vendoredPlan, vendored, nil},
		{"profile", twoBinaries(), profiled, nil},
		{"base", based, overBase, nil},
		{"hello", hello, options(), nil},
		{"binaries", twoBinaries(), options(), func(p plan.Plan, o Options) (llb.State, error) { return Binaries(t.Context(), p, o) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.make == nil {
				c.make = func(p plan.Plan, o Options) (llb.State, error) { return Image(t.Context(), p, o) }
			}
			st, err := c.make(c.plan, c.opts)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", c.name+".golden"), dump(readBack(t, st)))
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got; -update rewrites it):\n%s", file, diff)
	}
}

// TestDeterministic makes the graph twice from nothing and compares bytes.
func TestDeterministic(t *testing.T) {
	marshal := func() [][]byte {
		o := listings(private(options()))
		o.TreeFiles = map[string][]string{"svc/migrations": {"001.sql"}}
		st, err := Image(t.Context(), twoBinaries(), o)
		if err != nil {
			t.Fatal(err)
		}
		def, err := st.Marshal(t.Context(), llb.LocalUniqueID("test"))
		if err != nil {
			t.Fatal(err)
		}
		return def.Def
	}
	if !slices.EqualFunc(marshal(), marshal(), bytes.Equal) {
		t.Error("two graphs of one plan differ")
	}
}

// TestFetchAlone holds that what fetches sees secrets and a network and nothing else does, and
// that platforms share it.
func TestFetchAlone(t *testing.T) {
	// The fetch has a seed, and a vertex keeps what it is made of.
	t.Run("few dependencies", func(t *testing.T) { fetchAlone(t, func(*Listing) {}, 9) })
	// So has the compile of what was fetched.
	t.Run("many dependencies", func(t *testing.T) { fetchAlone(t, manyDeps, 11) })
}

func manyDeps(l *Listing) {
	for i := range updateFrom {
		l.Deps = append(l.Deps, fmt.Sprintf("example.com/dep/d%d", i))
	}
}

func fetchAlone(t *testing.T, change func(*Listing), all int) {
	t.Helper()
	digests, programs := map[string]bool{}, map[string]bool{}
	for _, arch := range []string{"amd64", "arm64"} {
		p, o := twoBinaries(), private(options())
		o.ShowPlatform = true
		o = listings(o)
		setListings(o, change)
		o.TreeFiles = map[string][]string{"svc/migrations": nil}
		p.Platform.Architecture = arch
		for i := range p.Compiles {
			p.Compiles[i].Env = slices.Clone(p.Compiles[i].Env)
			p.Compiles[i].Env[2] = "GOARCH=" + arch
		}
		st, err := Image(t.Context(), p, o)
		if err != nil {
			t.Fatal(err)
		}
		execs := 0
		for _, v := range readBack(t, st) {
			e := v.op.GetExec()
			if e == nil {
				continue
			}
			execs++
			fetch := strings.HasPrefix(v.name, "fetch Go modules")
			if fetch {
				digests[string(v.digest)] = true
			}
			if v.name == "compile the build cache program" {
				programs[string(v.digest)] = true
			}
			secrets := slices.ContainsFunc(e.Mounts, func(m *pb.Mount) bool { return m.MountType == pb.MountType_SECRET })
			if secrets != fetch || (e.Network != pb.NetMode_NONE) != fetch || (e.Meta.ProxyEnv != nil) != fetch {
				t.Errorf("%s: secrets %v, network %s, proxy %v", v.name, secrets, e.Network, e.Meta.ProxyEnv)
			}
			if len(e.Secretenv) > 0 {
				t.Errorf("%s has secrets in its environment", v.name)
			}
			if v.op.Platform.Architecture != "amd64" {
				t.Errorf("%s runs on %s, not the build platform", v.name, v.op.Platform.Architecture)
			}
		}
		if execs != all { // two fetches, what they are made of, the cache program, three compiles and two links
			t.Errorf("%d exec vertices, not %d", execs, all)
		}
	}
	if len(digests) != 2 || len(programs) != 1 {
		t.Errorf("%d different fetches and %d cache programs for two platforms", len(digests), len(programs))
	}
}

// TestOptionsReachVertices covers what is not part of an operation but beside it.
func TestOptionsReachVertices(t *testing.T) {
	o := options()
	o.NoCache, o.ShowPlatform = true, true
	o.TreeFiles = map[string][]string{"svc/migrations": nil}
	source := llb.NewSourceMap(nil, "plimsoll.yaml", "YAML", []byte("a\nb\n"))
	line := func(n int32) []llb.ConstraintsOpt {
		return []llb.ConstraintsOpt{source.Location([]*pb.Range{{Start: &pb.Position{Line: n}}})}
	}
	o.Locations = map[string][]llb.ConstraintsOpt{
		FetchLocation(): line(1), CompileLocation("api"): line(2), LayerLocation("files"): line(3),
	}
	st, err := Image(t.Context(), twoBinaries(), o)
	if err != nil {
		t.Fatal(err)
	}
	all := readBack(t, st)
	for _, v := range all {
		if v.op.GetSource() == nil && !v.meta.IgnoreCache {
			t.Errorf("%s would come from the cache", v.name)
		}
	}
	if n := len(named(all, "[linux/arm64] ")); n != 3 {
		t.Errorf("%d vertices name their platform, not 2 compiles and the layer of their binaries", n)
	}
	def, err := st.Marshal(t.Context(), llb.LocalUniqueID("test"))
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]int32{}
	for _, v := range all {
		if locs := def.Source.Locations[string(v.digest)]; locs != nil && len(locs.Locations) > 0 {
			lines[v.name] = locs.Locations[0].Ranges[0].Start.Line
		}
	}
	want := map[string]int32{"fetch Go modules": 1, "[linux/arm64] compile api with go1.26.8": 2, "add layer files": 3}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("source lines (-want +got):\n%s", diff)
	}
}

// TestRequiredCaps compares what is asked of a daemon with what the graph uses. FileOp
// does not report its own, so the list is longer than what is found.
func TestRequiredCaps(t *testing.T) {
	st, err := Binaries(t.Context(), twoBinaries(), options())
	if err != nil {
		t.Fatal(err)
	}
	used := capabilities(readBack(t, st))
	for _, c := range []string{string(pb.CapExecMountContentCache), string(pb.CapFileBase)} {
		if !slices.Contains(used, c) || !slices.ContainsFunc(RequiredCaps(), func(id apicaps.CapID) bool { return string(id) == c }) {
			t.Errorf("capability %s is not both used and required (used: %s)", c, used)
		}
	}
}
