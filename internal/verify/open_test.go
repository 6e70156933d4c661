package verify_test

import (
	"archive/tar"
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/plimsoll-build/plimsoll/internal/verify"
)

// index is two platforms and an attestation, as BuildKit pushes them.
func index(t testing.TB, amd64, arm64 v1.Image) v1.ImageIndex {
	attestation, err := random.Image(100, 1)
	check(t, err)
	return mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex),
		mutate.IndexAddendum{Add: amd64, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}},
		mutate.IndexAddendum{Add: arm64, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}}},
		mutate.IndexAddendum{Add: attestation, Descriptor: v1.Descriptor{
			Platform:    &v1.Platform{OS: "unknown", Architecture: "unknown"},
			Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest"}}},
	)
}

func arm64Draft(t testing.TB) *draft {
	d := goodDraft(t)
	d.content["orders"] = program(t, "arm64")
	d.config.Architecture, d.config.Variant = "arm64", "v8"
	return d
}

func writeLayout(t testing.TB, content any) string {
	dir := t.TempDir()
	path, err := layout.Write(dir, empty.Index)
	check(t, err)
	tag := layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": "1.2"})
	switch c := content.(type) {
	case v1.Image:
		check(t, path.AppendImage(c, tag))
	case v1.ImageIndex:
		check(t, path.AppendIndex(c, tag))
	}
	return dir
}

// archive puts a directory into a tar file.
func archive(t testing.TB, dir string) string {
	file := filepath.Join(t.TempDir(), "image.tar")
	f, err := os.Create(file)
	check(t, err)
	w := tar.NewWriter(f)
	check(t, w.AddFS(os.DirFS(dir)))
	check(t, w.Close())
	check(t, f.Close())
	return file
}

func push(t testing.TB, content any) string {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	ref, err := name.ParseReference(strings.TrimPrefix(server.URL, "http://") + "/shop/orders:1.2")
	check(t, err)
	switch c := content.(type) {
	case v1.Image:
		check(t, remote.Write(ref, c))
	case v1.ImageIndex:
		check(t, remote.WriteIndex(ref, c))
	}
	return ref.String()
}

func dockerArchive(t testing.TB, img v1.Image) string {
	file := filepath.Join(t.TempDir(), "docker.tar")
	tag, err := name.NewTag("shop/orders:1.2")
	check(t, err)
	check(t, tarball.WriteToFile(file, tag, img))
	return file
}

func verifyRef(t testing.TB, ref string, o verify.OpenOptions) verify.Reports {
	t.Helper()
	subjects, err := verify.Open(t.Context(), ref, o)
	check(t, err)
	reports, err := verify.All(t.Context(), subjects)
	check(t, err)
	return reports
}

// forms are the references of one image or index in each form that can hold it.
func forms(t testing.TB, content any) map[string]string {
	dir := writeLayout(t, content)
	refs := map[string]string{
		"registry": push(t, content), "layout": "oci:" + dir, "layout with tag": "oci:" + dir + ":1.2",
		"oci-archive": "oci-archive:" + archive(t, dir),
	}
	if c, ok := content.(interface{ Digest() (v1.Hash, error) }); ok {
		digest, err := c.Digest()
		check(t, err)
		refs["layout with digest"] = "oci:" + dir + "@" + digest.String()
		refs["registry with digest"] = strings.TrimSuffix(push(t, content), ":1.2") + "@" + digest.String()
	}
	if img, ok := content.(v1.Image); ok {
		refs["docker-archive"] = "docker-archive:" + dockerArchive(t, img)
	}
	return refs
}

func TestIndexInEveryForm(t *testing.T) {
	for form, ref := range forms(t, index(t, goodDraft(t).image(t), arm64Draft(t).image(t))) {
		reports := verifyRef(t, ref, verify.OpenOptions{})
		var platforms []string
		for _, r := range reports {
			platforms = append(platforms, r.Platform)
		}
		if diff := cmp.Diff([]string{"linux/amd64", "linux/arm64/v8"}, platforms); diff != "" || !reports.OK() {
			t.Errorf("%s: ok=%v %s %+v", form, reports.OK(), diff, reports)
		}
		one := verifyRef(t, ref, verify.OpenOptions{Platforms: []v1.Platform{{OS: "linux", Architecture: "arm64"}}})
		if len(one) != 1 || one[0].Platform != "linux/arm64/v8" {
			t.Errorf("%s: narrowed to arm64: %+v", form, one)
		}
		if _, err := verify.Open(t.Context(), ref, verify.OpenOptions{Platforms: []v1.Platform{{OS: "linux", Architecture: "s390x"}}}); err == nil {
			t.Errorf("%s: an absent platform is no error", form)
		}
	}
}

// Broken images fail the same rules wherever they come from.
func TestBrokenInEveryForm(t *testing.T) {
	data, err := os.ReadFile("testdata/broken.json")
	check(t, err)
	var cases []brokenCase
	check(t, json.Unmarshal(data, &cases))
	seen := 0
	for _, tc := range cases {
		switch tc.Name {
		case "wrong GOARCH", "GOMEMLIMIT=1G", "edited label", "edited Entrypoint", "added layer", "binary missing":
		default:
			continue
		}
		seen++
		for form, ref := range forms(t, brokenImage(t, tc)) {
			reports := verifyRef(t, ref, verify.OpenOptions{})
			if diff := cmp.Diff(tc.Fails, verdicts(reports[0], verify.Fail)); diff != "" || reports.OK() {
				t.Errorf("%s, %s: %s", tc.Name, form, diff)
			}
		}
	}
	if seen != 6 {
		t.Errorf("%d cases", seen)
	}
}

func TestPlatformsShareABinary(t *testing.T) {
	same := goodDraft(t)
	same.config.Variant = "v1"
	idx := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex),
		mutate.IndexAddendum{Add: goodDraft(t).image(t), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}},
		mutate.IndexAddendum{Add: same.image(t), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64", Variant: "v1"}}},
	)
	reports := verifyRef(t, "oci:"+writeLayout(t, idx), verify.OpenOptions{})
	for _, r := range reports {
		if diff := cmp.Diff([]string{"platform"}, verdicts(r, verify.Fail)); diff != "" {
			t.Errorf("%s: %s", r.Platform, diff)
		}
	}
}

// The descriptor of an index is a claim like any other.
func TestDescriptorDisagrees(t *testing.T) {
	reports := verifyRef(t, "oci:"+writeLayout(t, index(t, goodDraft(t).image(t), goodDraft(t).image(t))), verify.OpenOptions{})
	if !cmp.Equal(verdicts(reports[0], verify.Fail), []string{}) || !cmp.Equal(verdicts(reports[1], verify.Fail), []string{"platform"}) {
		t.Errorf("%v, %v", verdicts(reports[0], verify.Fail), verdicts(reports[1], verify.Fail))
	}
}

// A blob that is not what its name says fails layers.
func TestTamperedBlobs(t *testing.T) {
	img := goodDraft(t).image(t)
	manifest, err := img.Manifest()
	check(t, err)
	config, err := img.ConfigName()
	check(t, err)
	digest, err := img.Digest()
	check(t, err)
	tamper := map[string]func([]byte) []byte{
		config.Hex:                                 func(b []byte) []byte { return append(b, ' ') },
		digest.Hex:                                 func(b []byte) []byte { return append(b, '\n') },
		manifest.Layers[0].Digest.Hex:              func(b []byte) []byte { return append(b, 0) },
		manifest.Layers[1].Digest.Hex:              func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"shorter " + manifest.Layers[1].Digest.Hex: func(b []byte) []byte { return b[:len(b)-9] },
	}
	for blob, change := range tamper {
		dir := writeLayout(t, img)
		file := filepath.Join(dir, "blobs", "sha256", strings.TrimPrefix(blob, "shorter "))
		data, err := os.ReadFile(file)
		check(t, err)
		check(t, os.WriteFile(file, change(data), 0o644))
		reports := verifyRef(t, "oci:"+dir, verify.OpenOptions{})
		if got := verdicts(reports[0], verify.Fail); !cmp.Equal(got, []string{"layers"}) || reports.OK() {
			t.Errorf("%s: fails %v", blob, got)
		}
		complete(t, reports[0])
	}
}

func TestOpenErrors(t *testing.T) {
	dir := writeLayout(t, goodDraft(t).image(t))
	loop := writeLayout(t, goodDraft(t).image(t))
	self := strings.Repeat("a", 64)
	entry := `{"mediaType":"application/vnd.oci.image.index.v1+json","size":9,"digest":"sha256:` + self + `"}`
	for _, file := range []string{"index.json", "blobs/sha256/" + self} {
		check(t, os.WriteFile(filepath.Join(loop, file), []byte(`{"schemaVersion":2,"manifests":[`+entry+`]}`), 0o644))
	}
	big := writeLayout(t, goodDraft(t).image(t))
	check(t, os.WriteFile(filepath.Join(big, "index.json"), make([]byte, 5<<20), 0o644))
	escape := writeLayout(t, goodDraft(t).image(t))
	check(t, os.Remove(filepath.Join(escape, "index.json")))
	check(t, os.Symlink(filepath.Join(dir, "index.json"), filepath.Join(escape, "index.json")))
	file := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(file, []byte("no tar at all, just a few words of text"), 0o644))

	for ref, want := range map[string]string{
		"docker-daemon:orders:1.2":           "has to fetch",
		"-":                                  "has to fetch",
		"oci:" + dir + ":2.0":                "no image",
		"oci:" + dir + "@" + zeroDigest:      "no image",
		"oci:" + t.TempDir():                 "not an oci layout",
		"oci:/does/not/exist":                "not an oci layout",
		"oci:" + loop:                        "hashes to",
		"oci:" + big:                         "limits",
		"oci:" + escape:                      "escapes",
		"oci-archive:" + file:                "tar",
		"oci-archive:/does/not/exist":        "no such file",
		"docker-archive:" + archive(t, dir):  "not a docker archive",
		"UPPER/case":                         "could not parse",
		push(t, goodDraft(t).image(t)) + "x": "unknown manifest",
	} {
		_, err := verify.Open(t.Context(), ref, verify.OpenOptions{})
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), want) {
			t.Errorf("%s: %v, want %q", ref, err, want)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	subjects, err := verify.Open(ctx, "oci:"+writeLayout(t, goodDraft(t).image(t)), verify.OpenOptions{})
	check(t, err)
	cancel()
	if _, err := verify.All(ctx, subjects); err == nil {
		t.Error("no error after cancel")
	}
}
