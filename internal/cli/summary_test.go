package cli

import (
	"archive/tar"
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/plimsoll-build/plimsoll/internal/local"
	"github.com/plimsoll-build/plimsoll/internal/verify"
)

// of is an image of one program for an architecture.
func of(t *testing.T, architecture string) v1.Image {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "app", Typeflag: tar.TypeReg, Mode: 0o755, Size: 4}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, "\x7fELF"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		t.Fatal(err)
	}
	img, err = mutate.ConfigFile(img, &v1.ConfigFile{
		OS: "linux", Architecture: architecture, Config: v1.Config{Entrypoint: []string{"/app"}},
		RootFS: v1.RootFS{Type: "layers", DiffIDs: must(layer.DiffID())},
	})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func must(h v1.Hash, err error) []v1.Hash {
	if err != nil {
		panic(err)
	}
	return []v1.Hash{h}
}

// TestVerdictsTogether holds that what a build is told compares its platforms.
func TestVerdictsTogether(t *testing.T) {
	res := &local.Result{Images: []local.PlatformImage{{Image: of(t, "amd64")}, {Image: of(t, "arm64")}}}
	reports, err := verdictsOn(t.Context(), "app", res, nil, local.Cache{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range reports {
		same := slices.ContainsFunc(r.Results, func(res verify.Result) bool {
			return res.Rule == "platform" && slices.ContainsFunc(res.Findings, func(f verify.Finding) bool { return strings.Contains(f.Got, "the same bytes") })
		})
		if !same {
			t.Errorf("%s: that both platforms hold the same program is not found: %+v", r.Platform, r.Results)
		}
	}
}
