package verify_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/compression"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/opencontainers/go-digest"

	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
	"github.com/plimsoll-build/plimsoll/internal/verify"
)

// draft is an image as a planner would have it, to be changed before it is sealed.
type draft struct {
	config      plan.Image
	layers      [][]tar.Header
	content     map[string][]byte // of regular files, by name
	base        int               // layers of the base
	annotate    bool
	compression string
}

const zeroDigest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

// goodDraft passes every rule.
func goodDraft(t testing.TB) *draft {
	d := &draft{annotate: true, content: map[string][]byte{
		"etc/passwd": []byte("root:x:0:0::/:/none\nnonroot:x:65532:65532::/:/none\n"),
		"orders":     program(t, "good"),
	}}
	d.layers = [][]tar.Header{
		{dir("dev/"), dir("etc/"), file("etc/passwd", 0o644), dir("proc/"), dir("sys/"), dir("tmp/")},
		{file("orders", 0o755)},
	}
	d.config.Platform = ocispec.Platform{OS: "linux", Architecture: "amd64"}
	c := &d.config.Config
	c.User, c.WorkingDir = "65532:65532", "/"
	c.Env = []string{"PATH=/", "GOMEMLIMIT=483183820"}
	c.Entrypoint = []string{"/orders"}
	c.Labels = map[string]string{
		tuning.LabelVersion: "1", tuning.LabelSpecDigest: zeroDigest, tuning.LabelPlanDigest: zeroDigest,
		tuning.LabelBinaries: "/orders", tuning.LabelGo: runtime.Version(), tuning.LabelStatic: "true", tuning.LabelVariant: "release",
		tuning.LabelMemLimit: "483183820", tuning.LabelMaxProcs: "auto", tuning.LabelCgroup: "any",
		tuning.LabelMemoryMax: "536870912", ocispec.AnnotationTitle: "orders", ocispec.AnnotationCreated: "1970-01-01T00:00:00Z",
	}
	return d
}

func dir(name string) tar.Header { return tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o755} }

func file(name string, mode int64) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode}
}

func link(name, target string) tar.Header {
	return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777}
}

// env sets a variable, or removes it with an empty value.
func (d *draft) env(name, value string) {
	env := slices.DeleteFunc(d.config.Config.Env, func(e string) bool { return strings.HasPrefix(e, name+"=") })
	if value != "" {
		env = append(env, name+"="+value)
	}
	d.config.Config.Env = env
}

// label sets a label, or removes it with an empty value.
func (d *draft) label(key, value string) {
	if d.config.Config.Labels[key] = value; value == "" {
		delete(d.config.Config.Labels, key)
	}
}

func (d *draft) tar(t testing.TB, i int) []byte {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, h := range d.layers[i] {
		content := d.content[h.Name]
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(content))
		}
		check(t, w.WriteHeader(&h))
		if h.Typeflag == tar.TypeReg {
			_, err := w.Write(content)
			check(t, err)
		}
	}
	check(t, w.Close())
	return buf.Bytes()
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// layer is a tar as a blob in the draft's compression.
func (d *draft) layer(t testing.TB, data []byte) v1.Layer {
	if d.compression == "none" {
		return static.NewLayer(data, types.OCIUncompressedLayer)
	}
	opts := []tarball.LayerOption{tarball.WithCompressionLevel(gzip.BestSpeed), tarball.WithMediaType(types.OCILayer)}
	if d.compression == "zstd" {
		opts = append(opts, tarball.WithCompression(compression.ZStd), tarball.WithMediaType(types.OCILayerZStd))
	}
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }, opts...)
	check(t, err)
	return l
}

// image seals the draft and makes it an image.
func (d *draft) image(t testing.TB) v1.Image {
	t.Helper()
	var layers []v1.Layer
	var ids []digest.Digest
	for i := range d.layers {
		l := d.layer(t, d.tar(t, i))
		id, err := l.DiffID()
		check(t, err)
		layers, ids = append(layers, l), append(ids, digest.Digest(id.String()))
	}
	if labels := d.config.Config.Labels; labels[tuning.LabelVersion] != "" {
		seal, err := plan.Sealed{Platform: d.config.Platform, Config: d.config.Config, Base: ids[:d.base], Layers: len(ids) - d.base}.Seal(tuning.LabelSeal)
		check(t, err)
		labels[tuning.LabelSeal] = seal.String()
	}
	img, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), layers...)
	check(t, err)
	img = withConfig(t, mutate.ConfigMediaType(img, types.OCIConfigJSON), d.config)
	if d.annotate {
		img = mutate.Annotations(img, maps.Clone(d.config.Config.Labels)).(v1.Image)
	}
	return img
}

// withConfig gives an image another config, its layers kept.
func withConfig(t testing.TB, img v1.Image, config plan.Image) v1.Image {
	data, err := json.Marshal(config)
	check(t, err)
	file, err := img.ConfigFile()
	check(t, err)
	file = file.DeepCopy()
	file.Config = v1.Config{}
	check(t, json.Unmarshal(data, file))
	img, err = mutate.ConfigFile(img, file)
	check(t, err)
	return img
}

func judge(t testing.TB, img v1.Image) verify.Report {
	t.Helper()
	r, err := verify.Image(t.Context(), verify.FromImage("test", img))
	check(t, err)
	// Whether its layers were read before or not, the verdict is the same.
	subject := verify.FromImage("test", img)
	subject.Ahead = readAhead(t, img)
	ahead, err := verify.Image(t.Context(), subject)
	check(t, err)
	if diff := cmp.Diff(r, ahead); diff != "" {
		t.Errorf("with layers that were read ahead: %s", diff)
	}
	return r
}

// verdicts are the rules with one of the verdicts, in the order of the table.
func verdicts(r verify.Report, wanted ...verify.Verdict) []string {
	rules := []string{}
	for _, res := range r.Results {
		if slices.Contains(wanted, res.Verdict) {
			rules = append(rules, res.Rule)
		}
	}
	return rules
}

// result is the verdict of one rule.
func result(r verify.Report, rule string) verify.Result {
	for _, res := range r.Results {
		if res.Rule == rule {
			return res
		}
	}
	return verify.Result{}
}
