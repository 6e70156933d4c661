package local

import (
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// overBase is helloPlan above an image that was resolved.
func overBase(t *testing.T, r *Resolver, ref string) plan.Plan {
	t.Helper()
	p := helloPlan(t, "amd64")
	found, err := r.Resolve(t.Context(), ref, amd64)
	if err != nil {
		t.Fatal(err)
	}
	p.Base = plan.Base{Ref: found.Ref, Digest: found.Digest}
	img, err := v1.ParseConfigFile(strings.NewReader(string(found.Config)))
	if err != nil {
		t.Fatal(err)
	}
	created := time.Unix(0, 0).UTC()
	for _, d := range img.RootFS.DiffIDs {
		p.Base.DiffIDs = append(p.Base.DiffIDs, digest.Digest(d.String()))
		p.Config.History = append([]ocispec.History{{Created: &created, CreatedBy: "base"}}, p.Config.History...)
	}
	p.Config.Config.StopTimeout = new(42)
	return p
}

// A base's layers are listed, not read: a push to its registry mounts them.
func TestBase(t *testing.T) {
	s := serve(t)
	base := baseImage(t, "amd64")
	push(t, s.host+"/team/base:1", base)
	o := options(t, tree(t, t.TempDir(), hello()))
	o.Resolver = &Resolver{}
	p := overBase(t, o.Resolver, s.host+"/team/base:1")
	s.log = nil
	img := build(t, o, p).Images[0].Image
	push(t, s.host+"/team/app:1", img)
	layers, err := base.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range layers {
		_, hex, _ := strings.Cut(digestOf(t, l), ":")
		if n := s.count("GET", hex); n != 0 {
			t.Errorf("layer %s was read", hex)
		}
		if n := s.count("POST", "mount=", hex, "from=team%2Fbase"); n != 1 {
			t.Errorf("layer %s was mounted %d times, want once: %q", hex, n, s.log)
		}
	}
	pushed, err := remote.Image(mustRef(t, s.host+"/team/app:1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(pushed); err != nil {
		t.Error(err)
	}
	config, err := pushed.RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(config), `"StopTimeout":42`) {
		t.Errorf("StopTimeout is lost: %s", config)
	}
	m, err := pushed.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Layers) != 4 {
		t.Errorf("%d layers, want 4", len(m.Layers))
	}
	for _, l := range m.Layers {
		if l.MediaType != types.OCILayer {
			t.Errorf("layer of type %s in an OCI manifest", l.MediaType)
		}
	}
}

// A plan is carried out over the base that it was made for, or not at all.
func TestBaseChanged(t *testing.T) {
	s := serve(t)
	push(t, s.host+"/team/base:1", baseImage(t, "amd64"))
	p := overBase(t, &Resolver{}, s.host+"/team/base:1")
	push(t, s.host+"/team/base:1", baseImage(t, "amd64"))
	if _, err := (&Resolver{}).Open(t.Context(), p.Base, amd64); err != nil {
		t.Errorf("the tag has moved, but the digest is there: %v", err)
	}
	moved := &Resolver{Contexts: map[string]string{p.Base.Ref: "docker-image://" + s.host + "/team/base:1"}}
	if _, err := moved.Open(t.Context(), p.Base, amd64); err == nil || !strings.Contains(err.Error(), "but the plan wants "+p.Base.Digest.String()) {
		t.Errorf("another image was taken: %v", err)
	}
	p.Base.DiffIDs = p.Base.DiffIDs[:1]
	if _, err := (&Resolver{}).Open(t.Context(), p.Base, amd64); err == nil || !strings.Contains(err.Error(), "layers are not those") {
		t.Errorf("other layers were taken: %v", err)
	}
}
