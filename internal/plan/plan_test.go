package plan

import (
	"encoding/json"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const sealLabel = "build.plimsoll.seal"

func sample() Plan {
	timeout := 7
	return Plan{
		Version:  FormatVersion,
		Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"},
		Go:       "1.26.8",
		Compiles: []Compile{{Name: "x", Dir: ".", Package: "./cmd/x", Work: "off", Flags: []string{"-trimpath"}, Tags: []string{"a", "b"},
			Ldflags: []string{"-s", "-w"}, Stamp: []string{"main.version=1 2"}, Env: []string{"CGO_ENABLED=0", "GOOS=linux"}}},
		Base: Base{Ref: "docker.io/library/b:1", Digest: digest.FromString("b"), DiffIDs: []digest.Digest{digest.FromString("l")}},
		Layers: []Layer{{Name: "binaries", Files: []File{
			{Path: "/tmp", Mode: 0o1777, Source: Source{Dir: true}},
			{Path: "/tmp/<&>", Mode: 0o644, Source: Source{Inline: []byte("i")}},
			{Path: "/x", Mode: 0o755, Source: Source{Binary: "x"}},
		}}},
		Config: Image{Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"}, Config: RunConfig{
			ImageConfig: ocispec.ImageConfig{User: "65532:65532", Entrypoint: []string{"/x"}, Labels: map[string]string{"b": "2", "a": "1", sealLabel: "s"}},
			Healthcheck: &dockerspec.HealthcheckConfig{Test: []string{"CMD", "/x"}}, Shell: []string{"/s"}, StopTimeout: &timeout,
		}},
		Annotations: map[string]string{"a": "1"},
	}
}

func TestCanonicalReadsBack(t *testing.T) {
	want := sample()
	data, err := Canonical(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Plan
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, part := range []string{`"mode":"1777"`, `/tmp/<&>`, `"a":"1","b":"2"`, `"StopTimeout":7`} {
		if !strings.Contains(string(data), part) {
			t.Errorf("no %s in %s", part, data)
		}
	}
}

func TestDigestLeavesOutWhatIsDerived(t *testing.T) {
	p := sample()
	before, err := p.Digest("plan-digest")
	if err != nil {
		t.Fatal(err)
	}
	p.Config.Config.Labels["plan-digest"], p.Annotations["plan-digest"] = "x", "x"
	if after, _ := p.Digest("plan-digest"); after != before {
		t.Error("the digest covers a label that holds it")
	}
	p.Epoch++
	if after, _ := p.Digest("plan-digest"); after == before {
		t.Error("the digest does not cover the epoch")
	}
}

// The seal of contract version 1 is frozen: images in registries carry it.
func TestSealIsFrozen(t *testing.T) {
	const want = "sha256:b9eb882a2da0c8809e754e835a3b0890dfd8375b1741f0ced40c38e83af53762"
	got, err := sample().Seal(sealLabel)
	if err != nil || got.String() != want {
		t.Errorf("got %s, %v, want %s: a change here is a new contract version", got, err, want)
	}
}

func TestSealCoversEveryField(t *testing.T) {
	edits := map[string]func(*Sealed){
		"label":         func(s *Sealed) { s.Config.Labels = map[string]string{"a": "2", "b": "2"} },
		"label removed": func(s *Sealed) { s.Config.Labels = map[string]string{"a": "1"} },
		"env":           func(s *Sealed) { s.Config.Env = []string{"A=1"} },
		"entrypoint":    func(s *Sealed) { s.Config.Entrypoint = []string{"/y"} },
		"cmd":           func(s *Sealed) { s.Config.Cmd = []string{"y"} },
		"user":          func(s *Sealed) { s.Config.User = "0" },
		"workdir":       func(s *Sealed) { s.Config.WorkingDir = "/y" },
		"volumes":       func(s *Sealed) { s.Config.Volumes = map[string]struct{}{"/y": {}} },
		"ports":         func(s *Sealed) { s.Config.ExposedPorts = map[string]struct{}{"1/tcp": {}} },
		"stop signal":   func(s *Sealed) { s.Config.StopSignal = "SIGINT" },
		"healthcheck":   func(s *Sealed) { s.Config.Healthcheck = nil },
		"shell":         func(s *Sealed) { s.Config.Shell = nil },
		"stop timeout":  func(s *Sealed) { s.Config.StopTimeout = nil },
		"platform":      func(s *Sealed) { s.Platform.Architecture = "arm64" },
		"variant":       func(s *Sealed) { s.Platform.Variant = "v3" },
		"base":          func(s *Sealed) { s.Base = []digest.Digest{digest.FromString("m")} },
		"layers":        func(s *Sealed) { s.Layers++ },
	}
	p := sample()
	seal := func() Sealed {
		return Sealed{Platform: p.Config.Platform, Config: p.Config.Config, Base: p.Base.DiffIDs, Layers: len(p.Layers)}
	}
	want, _ := p.Seal(sealLabel)
	for name, edit := range edits {
		s := seal()
		edit(&s)
		if got, err := s.Seal(sealLabel); err != nil || got == want {
			t.Errorf("an edit of %s does not change the seal (%v)", name, err)
		}
	}
}

func TestSealMatchesAnImage(t *testing.T) {
	p := sample()
	seal, _ := p.Seal(sealLabel)
	ids := []digest.Digest{digest.FromString("l"), digest.FromString("ours")}
	check := func(ids []digest.Digest) bool {
		ok, err := SealMatches(seal, p.Config.Platform, p.Config.Config, ids, sealLabel)
		return ok && err == nil
	}
	if !check(ids) {
		t.Error("the image as planned does not match")
	}
	for name, ids := range map[string][]digest.Digest{
		"a layer more": append(slices.Clone(ids), ids[1]), "a layer less": ids[:1], "another base": {ids[1], ids[1]}, "none": nil,
	} {
		if check(ids) {
			t.Errorf("%s matches", name)
		}
	}
}

func TestArgv(t *testing.T) {
	c := sample().Compiles[0]
	got, err := Argv(Link, c, Paths{Context: "/src", Out: "/out/x"})
	want := []string{"go", "build", "-trimpath", "-tags=a,b", "-ldflags=-s -w -X 'main.version=1 2'", "-o", "/out/x", "./cmd/x"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
	c.Stamp = []string{"main.version=1\u00a0"}
	if got, err := Argv(Link, c, Paths{Out: "/out/x"}); err != nil || got[4] != "-ldflags=-s -w -X 'main.version=1\u00a0'" {
		t.Errorf("a space that go build would trim: %q, %v", got, err)
	}
	for _, flags := range [][]string{{`-X=main.a="it's"`}, {"-k", "@/proc/version"}} {
		c.Ldflags = flags
		if _, err := Argv(Link, c, Paths{}); err == nil {
			t.Errorf("%q, which go build refuses, is accepted", flags)
		}
	}
	if _, err := Argv("nonsense", c, Paths{}); err == nil {
		t.Error("an unknown step is accepted")
	}
	if got, _ := Argv(Fetch, c, Paths{}); !slices.Equal(got, []string{"go", "mod", "download"}) {
		t.Errorf("fetch: %q", got)
	}
}

func TestCompileArgv(t *testing.T) {
	c := sample().Compiles[0]
	c.Flags = []string{"-trimpath", "-mod=readonly", "-pgo=auto"}
	for name, row := range map[string]struct {
		packages Packages
		want     []string
	}{
		"own":      {Packages{Paths: []string{"./cmd/x"}}, []string{"-trimpath", "-mod=readonly", "-pgo=auto", "-tags=a,b", "./cmd/x"}},
		"standard": {Packages{Paths: []string{"fmt", "io"}, Standard: true}, []string{"-trimpath", "-pgo=auto", "-tags=a,b", "fmt", "io"}},
		"profile":  {Packages{Paths: []string{"x.org/y"}, Profile: "/src/default.pgo"}, []string{"-trimpath", "-mod=readonly", "-pgo=/src/default.pgo", "-tags=a,b", "x.org/y"}},
	} {
		got, want := CompileArgv(c, row.packages), append([]string{"go", "list", "-export", "-deps"}, row.want...)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	want := []string{"go", "build", "-trimpath", "-mod=readonly", "-pgo=auto", "-tags=a,b", "-toolexec=prog tool", "-ldflags=-later", "-o", "/dev/null", "./cmd/x", "."}
	if got := MainsArgv(c, []string{"./cmd/x", "."}, "prog tool", "-later"); !slices.Equal(got, want) {
		t.Errorf("main packages: got %q", got)
	}
	if got, _ := Argv(Link, c, Paths{Out: "/o", Verbose: true}); got[2] != "-v" {
		t.Errorf("verbose: %q", got)
	}
}

func TestEnvironIsSortedAndKnowsTheWorkspace(t *testing.T) {
	c := Compile{Work: "svc/go.work", Env: []string{"GOOS=linux", "ZZ=1"}}
	want := []string{"GOOS=linux", "GOWORK=/src/svc/go.work", "ZZ=1"}
	if got := Environ(c, Paths{Context: "/src"}); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	c.Work = "off"
	if got := Environ(c, Paths{Context: "/src"}); !slices.Contains(got, "GOWORK=off") {
		t.Errorf("got %q", got)
	}
}

func TestCompareFilesIsWalkOrder(t *testing.T) {
	paths := []string{"/a", "/a/b", "/a/b/c", "/a-b", "/a.d", "/b"}
	var files []File
	for _, p := range paths {
		files = append(files, File{Path: p})
	}
	slices.Reverse(files)
	slices.SortFunc(files, CompareFiles)
	for i, f := range files {
		if f.Path != paths[i] {
			t.Errorf("place %d: %s, want %s", i, f.Path, paths[i])
		}
	}
}

func TestNormalModeKeepsOnlyExecuteBits(t *testing.T) {
	for in, want := range map[fs.FileMode]Mode{
		0o664: 0o644, 0o600: 0o644, 0o775: 0o755, 0o700: 0o755, 0o644 | fs.ModeSetuid: 0o644, fs.ModeDir | 0o700: 0o755,
	} {
		if got := NormalMode(in); got != want {
			t.Errorf("NormalMode(%v) = %o, want %o", in, got, want)
		}
	}
}

func TestModeText(t *testing.T) {
	var m Mode
	if err := m.UnmarshalText([]byte("1777")); err != nil || m != 0o1777 {
		t.Errorf("got %o, %v", m, err)
	}
	for _, bad := range []string{"", "8", "-1", "10000", "rwx"} {
		if err := m.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("mode %q is accepted", bad)
		}
	}
}

func TestValidate(t *testing.T) {
	if err := sample().Validate(); err != nil {
		t.Fatal(err)
	}
	breaks := map[string]func(*Plan){
		"version":           func(p *Plan) { p.Version = 2 },
		"no Go":             func(p *Plan) { p.Go = "" },
		"unsorted env":      func(p *Plan) { slices.Reverse(p.Compiles[0].Env) },
		"unsorted files":    func(p *Plan) { slices.Reverse(p.Layers[0].Files) },
		"missing parent":    func(p *Plan) { p.Layers[0].Files = p.Layers[0].Files[1:] },
		"relative path":     func(p *Plan) { p.Layers[0].Files[2].Path = "x" },
		"unclean path":      func(p *Plan) { p.Layers[0].Files[2].Path = "/x/" },
		"two sources":       func(p *Plan) { p.Layers[0].Files[2].Source.Dir = true },
		"no source":         func(p *Plan) { p.Layers[0].Files[2].Source = Source{} },
		"a binary from air": func(p *Plan) { p.Layers[0].Files[2].Source.Binary = "y" },
	}
	for name, edit := range breaks {
		p := sample()
		edit(&p)
		if p.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestSealOfABaseWithoutADigest(t *testing.T) {
	p := sample()
	p.Base.DiffIDs = nil
	seal, _ := p.Seal(sealLabel)
	check := func(layers int) bool {
		ok, err := SealMatchesUnbound(seal, p.Config.Platform, p.Config.Config, layers, sealLabel)
		return ok && err == nil
	}
	if !check(1) || !check(5) {
		t.Error("our layer over any base does not match")
	}
	if check(0) {
		t.Error("an image without our layer matches")
	}
	p.Config.Config.User = "0"
	if check(1) {
		t.Error("an edited config matches")
	}
}
