package frontend

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/gateway/client"
	gwpb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	capspb "github.com/moby/buildkit/util/apicaps/pb"
	"github.com/moby/patternmatcher"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/tonistiigi/fsutil/types"
)

// gateway is a gateway client without a daemon: it serves the spec and the build context
// from memory, images from a table, and records what is solved.
type gateway struct {
	client.Client // what the frontend must not call panics
	opts          map[string]string
	spec, context fstest.MapFS
	images        map[string]testImage
	// resolving is told of each reference before its image is found; nil of none.
	resolving func(ref string)
	platform  ocispec.Platform
	commit    *sourceresolver.ResolveGitResponse
	anonymous bool // the frontend cannot tell which image it runs in
	lacking   []apicaps.CapID
	// fails is asked for the error of each solve; nil never fails.
	fails func(solved) error
	// report is what a check that is asked to tell says, as JSON.
	report string

	mu       sync.Mutex
	solves   []solved
	warnings []warning
}

// testImage is an image of a registry; its config is the same on all platforms.
type testImage struct {
	digest digest.Digest
	config string
}

// solved is one definition that was solved.
type solved struct {
	request client.SolveRequest
	ops     []*pb.Op
	names   []string
}

// metadata is what a vertex carries beside its operation.
func (s solved) metadata(i int) *pb.OpMetadata {
	return s.request.Definition.Metadata[string(digest.FromBytes(s.request.Definition.Def[i]))]
}

type warning struct {
	text string
	line int32
}

const golang = `{"os":"linux","architecture":"amd64","config":{"Env":["PATH=/usr/local/go/bin","GOLANG_VERSION=1.26.8"]}}`

// newGateway has a spec, a module, and the toolchain images of Go 1.26.
func newGateway(spec string) *gateway {
	g := &gateway{
		opts:     map[string]string{"filename": "plimsoll.yaml"},
		spec:     fstest.MapFS{"plimsoll.yaml": {Data: []byte(spec)}},
		platform: ocispec.Platform{OS: "linux", Architecture: "amd64"},
		context: fstest.MapFS{
			"go.mod":            {Data: []byte("module example.com/svc\n\ngo 1.26\n")},
			"main.go":           {Data: []byte("package main\n\nfunc main() {}\n")},
			"conf/app.yaml":     {Data: []byte("a: 1\n")},
			"conf/sub/more.txt": {Data: []byte("b\n")},
			"conf/sub/link":     {Data: []byte("more.txt"), Mode: fs.ModeSymlink},
		},
		images: map[string]testImage{},
	}
	for _, tag := range []string{"1.26-alpine", "1.26", "1.26.8-alpine", "1.26.8"} {
		g.images["docker.io/library/golang:"+tag] = testImage{digest.FromString("golang"), golang}
	}
	return g
}

const minimal = "apiVersion: plimsoll.build/v1\n"

func (g *gateway) BuildOpts() client.BuildOpts {
	return client.BuildOpts{
		Opts: g.opts, SessionID: "session", LLBCaps: g.caps(), Caps: gwpb.Caps.CapSet(gwpb.Caps.All()),
		Workers: []client.WorkerInfo{{Platforms: []ocispec.Platform{g.platform}}},
	}
}

// caps are all capabilities of a daemon of this BuildKit but for those that it lacks.
func (g *gateway) caps() apicaps.CapSet {
	all := slices.DeleteFunc(pb.Caps.All(), func(c *capspb.APICap) bool { return slices.Contains(g.lacking, apicaps.CapID(c.ID)) })
	return pb.Caps.CapSet(all)
}

func (g *gateway) Inputs(context.Context) (map[string]llb.State, error) { return nil, nil }

// CurrentFrontend is the image that the frontend runs in, if the daemon tells it.
func (g *gateway) CurrentFrontend() (*llb.State, error) {
	if g.anonymous {
		return nil, nil
	}
	st := llb.Image("docker.io/example/frontend:1")
	return &st, nil
}

func (g *gateway) Warn(_ context.Context, _ digest.Digest, msg string, o client.WarnOpts) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	w := warning{text: msg}
	if len(o.Range) > 0 {
		w.line = o.Range[0].Start.Line
	}
	g.warnings = append(g.warnings, w)
	return nil
}

func (g *gateway) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	if g.resolving != nil {
		g.resolving(ref)
	}
	img, ok := g.images[ref]
	if !ok {
		return "", "", nil, fmt.Errorf("%s: not found", ref)
	}
	return ref, img.digest, []byte(img.config), nil
}

func (g *gateway) ResolveSourceMetadata(context.Context, *pb.SourceOp, sourceresolver.Opt) (*sourceresolver.MetaResponse, error) {
	return &sourceresolver.MetaResponse{Git: g.commit}, nil
}

func (g *gateway) Solve(_ context.Context, req client.SolveRequest) (*client.Result, error) {
	s := solved{request: req}
	for _, data := range req.Definition.Def[:len(req.Definition.Def)-1] {
		op := &pb.Op{}
		if err := op.Unmarshal(data); err != nil {
			return nil, err
		}
		s.ops = append(s.ops, op)
		s.names = append(s.names, s.metadata(len(s.names)).Description["llb.customname"])
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.solves = append(g.solves, s)
	if g.fails != nil {
		if err := g.fails(s); err != nil {
			return nil, err
		}
	}
	res := client.NewResult()
	res.SetRef(&memory{files: g.contentOf(s)})
	return res, nil
}

// contentOf is what a solved definition holds, as far as the frontend reads it.
func (g *gateway) contentOf(s solved) fs.FS {
	if src := s.ops[0].GetSource(); src != nil && src.Identifier == "local://dockerfile" {
		return g.spec
	}
	if src := s.ops[len(s.ops)-1].GetSource(); src != nil && src.Attrs[pb.AttrMetadataTransfer] == "true" {
		return withMetadata(g.context, src.Attrs[pb.AttrMetadataTransferExclude])
	}
	if e := s.ops[len(s.ops)-1].GetExec(); e != nil && slices.Contains(e.Meta.Args, "/report/report.json") {
		return fstest.MapFS{"report.json": {Data: []byte(g.report)}}
	}
	files := fstest.MapFS{}
	var excludes []string
	if op := s.ops[len(s.ops)-1].GetFile(); op != nil {
		excludes = op.Actions[0].GetCopy().GetExcludePatterns()
	}
	for name, file := range g.context {
		if hidden, err := patternmatcher.MatchesOrParentMatches(name, excludes); err != nil || !hidden {
			files[name] = file
		}
	}
	return files
}

// withMetadata is what a transfer of metadata leaves: the names of all files, and those files
// that match the patterns, a JSON list.
func withMetadata(files fstest.MapFS, patterns string) fs.FS {
	var sent []string
	if err := json.Unmarshal([]byte(patterns), &sent); err != nil {
		panic(err)
	}
	var frames []byte
	_ = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		link, _ := fs.ReadLink(files, name)
		st := stat(info, link)
		st.Path = name
		data, err := st.MarshalVT()
		frames = append(binary.LittleEndian.AppendUint32(frames, uint32(len(data))), data...)
		return err
	})
	all := fstest.MapFS{}
	for name, file := range files {
		if ok, err := patternmatcher.MatchesOrParentMatches(name, sent); err == nil && ok {
			all[name] = file
		}
	}
	all[metadataFile] = &fstest.MapFile{Data: frames}
	return all
}

// find is the vertex of the last solve with that name.
func (g *gateway) find(t *testing.T, name string) *pb.Op {
	t.Helper()
	s := g.solves[len(g.solves)-1]
	i := slices.Index(s.names, name)
	if i < 0 {
		t.Fatalf("there is no vertex %q: %q", name, s.names)
	}
	return s.ops[i]
}

// memory is a reference; its errors are text alone, as they are after gRPC.
type memory struct {
	client.Reference
	files fs.FS
}

func (m *memory) ReadFile(_ context.Context, req client.ReadRequest) ([]byte, error) {
	data, err := fs.ReadFile(m.files, path.Clean(req.Filename))
	return data, asText(err)
}

func (m *memory) StatFile(_ context.Context, req client.StatRequest) (*types.Stat, error) {
	info, err := fs.Stat(m.files, path.Clean(req.Path))
	if err != nil {
		return nil, asText(err)
	}
	return stat(info, ""), nil
}

func (m *memory) ReadDir(_ context.Context, req client.ReadDirRequest) ([]*types.Stat, error) {
	entries, err := fs.ReadDir(m.files, path.Clean(req.Path))
	if err != nil {
		return nil, asText(err)
	}
	var out []*types.Stat
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		link, _ := fs.ReadLink(m.files, path.Join(req.Path, e.Name()))
		out = append(out, stat(info, link))
	}
	slices.SortFunc(out, func(a, b *types.Stat) int { return -cmp.Compare(a.Path, b.Path) }) // no order is promised
	return out, nil
}

func stat(info fs.FileInfo, link string) *types.Stat {
	return &types.Stat{Path: info.Name(), Mode: uint32(info.Mode()), Size: info.Size(), ModTime: info.ModTime().UnixNano(), Linkname: link}
}

func asText(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("open x: no such file or directory")
	}
	return errors.New(err.Error())
}

// args adds build arguments and other options.
func (g *gateway) with(kv ...string) *gateway {
	for _, s := range kv {
		key, value, _ := strings.Cut(s, "=")
		g.opts[key] = value
	}
	return g
}
