package verify_test

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/plimsoll-build/plimsoll/internal/verify"
)

func FuzzLayerTar(f *testing.F) {
	f.Add(tarOf(f, dir("a/"), file("a/b", 0o644), link("c", "a/b"), file("a/.wh.b", 0), file("a/.wh..wh..opq", 0)))
	f.Add(tarOf(f, tar.Header{Typeflag: tar.TypeLink, Name: "orders", Linkname: "etc/passwd"}))
	f.Add(gzipped(f, 4096))
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, 0x01, 0x00, 0x00})
	good := goodDraft(f)
	good.content["orders"] = []byte("\x7fELF")
	base := good.image(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		img, err := mutate.AppendLayers(base, rawLayer{static.NewLayer(data, types.OCILayer)})
		check(t, err)
		subject := verify.FromImage("fuzz", img)
		subject.Limits = verify.Limits{Uncompressed: 32 << 20, Entries: 10000}
		r, err := verify.Image(t.Context(), subject)
		if err != nil {
			return
		}
		if r.OK() {
			t.Error("an image without a binary is ok")
		}
		complete(t, r)
		check(t, verify.Reports{r}.Text(io.Discard, true))
	})
}

func FuzzDocuments(f *testing.F) {
	dir := writeLayout(f, goodDraft(f).image(f))
	data, err := os.ReadFile(filepath.Join(dir, "index.json"))
	check(f, err)
	manifest, err := goodDraft(f).image(f).RawManifest()
	check(f, err)
	config, err := goodDraft(f).image(f).RawConfigFile()
	check(f, err)
	f.Add(data, manifest, config)
	f.Fuzz(func(t *testing.T, index, manifest, config []byte) {
		dir := t.TempDir()
		check(t, os.MkdirAll(filepath.Join(dir, "blobs/sha256"), 0o755))
		for name, content := range map[string][]byte{
			"oci-layout": []byte("{}"), "index.json": index,
			"blobs/sha256/" + v1Sum(manifest): manifest, "blobs/sha256/" + v1Sum(config): config,
		} {
			check(t, os.WriteFile(filepath.Join(dir, name), content, 0o644))
		}
		subjects, err := verify.Open(t.Context(), "oci:"+dir, verify.OpenOptions{})
		if err != nil {
			return
		}
		if reports, err := verify.All(t.Context(), subjects); err == nil && reports.OK() {
			t.Error("an image without layers is ok")
		}
	})
}

func v1Sum(data []byte) string {
	h, _, _ := v1.SHA256(bytes.NewReader(data))
	return h.Hex
}
