package verify_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
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

// FuzzManifest has an index and a manifest; the blob that they name is there.
func FuzzManifest(f *testing.F) {
	dir := writeLayout(f, goodDraft(f).image(f))
	index, err := os.ReadFile(filepath.Join(dir, "index.json"))
	check(f, err)
	manifest, err := goodDraft(f).image(f).RawManifest()
	check(f, err)
	config, err := goodDraft(f).image(f).RawConfigFile()
	check(f, err)
	f.Add(index, manifest)
	f.Add(bytes.Replace(index, []byte("image.manifest"), []byte("image.index"), 1), index)
	f.Add(index, bytes.Replace(manifest, []byte(`"layers"`), []byte(`"manifests"`), 1))
	f.Fuzz(func(t *testing.T, index, manifest []byte) { neverOK(t, index, manifest, config) })
}

// FuzzConfig has a config, with a manifest and an index that fit it.
func FuzzConfig(f *testing.F) {
	config, err := goodDraft(f).image(f).RawConfigFile()
	check(f, err)
	f.Add(config)
	f.Add([]byte(`{"os":"linux","architecture":"amd64","config":{"Labels":{"build.plimsoll.version":"1"},"Env":["GOMEMLIMIT=1G","=","A"],"Cmd":["x"]}}`))
	f.Add([]byte(`{"config":null,"rootfs":{"diff_ids":["sha256:","x",""]}}`))
	f.Fuzz(func(t *testing.T, config []byte) {
		describe := func(kind types.MediaType, data []byte) string {
			return fmt.Sprintf(`{"mediaType":%q,"size":%d,"digest":"sha256:%s"}`, kind, len(data), v1Sum(data))
		}
		manifest := []byte(`{"schemaVersion":2,"config":` + describe(types.OCIConfigJSON, config) + `,"layers":[]}`)
		index := []byte(`{"schemaVersion":2,"manifests":[` + describe(types.OCIManifestSchema1, manifest) + `]}`)
		neverOK(t, index, manifest, config)
	})
}

// FuzzStatement has an in-toto statement as an SBOM is attested.
func FuzzStatement(f *testing.F) {
	img := goodDraft(f).image(f)
	f.Add(statement(f, hexDigest(f, img), []string{"pkg:golang/example.org/a@v1.0.0"}, "b@v2.0.0"))
	f.Add([]byte(`{"predicateType":"` + spdxPredicate + `","subject":null,"predicate":{"packages":[{},null]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := verifyRef(t, "oci:"+attested(t, img, [][]byte{data}), verify.OpenOptions{})[0]
		if res := result(r, "sbom"); res.Verdict == skip || (res.Verdict == pass && !json.Valid(data)) {
			t.Errorf("%+v", res)
		}
		complete(t, r)
	})
}

// neverOK verifies a layout of documents without a layer, which can be anything but ok.
func neverOK(t *testing.T, index, manifest, config []byte) {
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
	reports, err := verify.All(t.Context(), subjects)
	if err != nil {
		return
	}
	if reports.OK() {
		t.Error("an image without layers is ok")
	}
	for _, r := range reports {
		complete(t, r)
	}
	for _, format := range verify.Formats() {
		check(t, reports.Write(io.Discard, format, false))
	}
}

func v1Sum(data []byte) string {
	h, _, _ := v1.SHA256(bytes.NewReader(data))
	return h.Hex
}
