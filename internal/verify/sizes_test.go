package verify_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/elf"
	le "encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"
)

// hostile is a layout in which a good image's manifest was changed.
func hostile(t *testing.T, change func(dir string, m *v1.Manifest)) string {
	img := goodDraft(t).image(t)
	dir := writeLayout(t, img)
	m, err := img.Manifest()
	check(t, err)
	m = m.DeepCopy()
	change(dir, m)
	raw, err := json.Marshal(m)
	check(t, err)
	writeIndex(t, dir, addDocument(t, dir, types.OCIManifestSchema1, raw))
	return "oci:" + dir
}

func writeIndex(t *testing.T, dir string, descriptors ...v1.Descriptor) {
	raw, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: descriptors})
	check(t, err)
	check(t, os.WriteFile(filepath.Join(dir, "index.json"), raw, 0o644))
}

func addDocument(t *testing.T, dir string, kind types.MediaType, raw []byte) v1.Descriptor {
	sum := sha256.Sum256(raw)
	hash := v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}
	check(t, os.WriteFile(filepath.Join(dir, "blobs/sha256", hash.Hex), raw, 0o644))
	return v1.Descriptor{MediaType: kind, Size: int64(len(raw)), Digest: hash}
}

// addBlob writes a blob that is too large to hash under a digest that is not its own, which
// is found out too late, if limits were not there.
func addBlob(t *testing.T, dir string, size int64, parts ...[]byte) v1.Descriptor {
	hash := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("e", 64)}
	f, err := os.Create(filepath.Join(dir, "blobs/sha256", hash.Hex))
	check(t, err)
	defer f.Close()
	for _, part := range parts {
		_, err := f.Write(part)
		check(t, err)
	}
	info, err := f.Stat()
	check(t, err)
	size = max(size, info.Size())
	check(t, f.Truncate(size)) // the rest is a hole
	return v1.Descriptor{MediaType: types.OCILayer, Size: size, Digest: hash}
}

// repeated is a stream of many equal gzip members or zstd frames, which is one file to its
// reader.
func repeated(part []byte, n int) [][]byte { return slices.Repeat([][]byte{part}, n) }

func withBlob(t *testing.T, size int64, parts ...[]byte) string {
	return hostile(t, func(dir string, m *v1.Manifest) { m.Layers = append(m.Layers, addBlob(t, dir, size, parts...)) })
}

func withConfigBlob(t *testing.T, size int64, start string) string {
	return hostile(t, func(dir string, m *v1.Manifest) {
		d := addBlob(t, dir, size, []byte(start))
		m.Config.Size, m.Config.Digest = d.Size, d.Digest
	})
}

func zstdZeros(t *testing.T, n int) []byte {
	z, err := zstd.NewWriter(nil)
	check(t, err)
	return z.EncodeAll(make([]byte, n), nil)
}

// entries are n tar headers of files of which the names differ by their numbers modulo a
// number, gzipped.
func entries(t *testing.T, n, modulo int) []byte {
	one := tarOf(t, file("d/00000000", 0o644))[:512]
	var buf bytes.Buffer
	z, err := gzip.NewWriterLevel(&buf, gzip.BestSpeed)
	check(t, err)
	for i := range n {
		_, err := z.Write(corrupt(one, 0, fmt.Sprintf("d/%08d", i%modulo)))
		check(t, err)
	}
	check(t, z.Close())
	return buf.Bytes()
}

// longNames are n tar entries with names of 4000 bytes each.
func longNames(t *testing.T, n int) []byte {
	var buf bytes.Buffer
	z, err := gzip.NewWriterLevel(&buf, gzip.BestSpeed)
	check(t, err)
	w := tar.NewWriter(z)
	for i := range n {
		h := file(fmt.Sprintf("%s/%08d", strings.Repeat(strings.Repeat("d", 99)+"/", 40), i), 0o644)
		check(t, w.WriteHeader(&h))
	}
	check(t, w.Close())
	check(t, z.Close())
	return buf.Bytes()
}

// pyramid is an index of 5,000 indexes of 5,000 indexes … that hold nothing.
func pyramid(t *testing.T) string {
	dir := writeLayout(t, goodDraft(t).image(t))
	below := []v1.Descriptor{}
	for range 4 {
		raw, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: below})
		check(t, err)
		below = slices.Repeat([]v1.Descriptor{addDocument(t, dir, types.OCIImageIndex, raw)}, 5000)
	}
	writeIndex(t, dir, below[0])
	return "oci:" + dir
}

// endless answers every request with a gigabyte of JSON that is never whole.
func endless(t *testing.T) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", string(types.OCIManifestSchema1))
		_, _ = io.WriteString(w, `{"schemaVersion":2,"annotations":{"x":"`)
		_, _ = io.CopyN(w, zeros{}, 1<<30)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://") + "/shop/orders:1.2"
}

// What claims to be huge ends in an error, and in no more memory than is said here, in MiB
// of the whole process.
func TestHostileSizes(t *testing.T) {
	const gib = 1 << 30
	manifest := func(start string, size int64) string {
		dir := writeLayout(t, goodDraft(t).image(t))
		d := addBlob(t, dir, size, []byte(start))
		d.MediaType = types.OCIManifestSchema1
		writeIndex(t, dir, d)
		return "oci:" + dir
	}
	sbom := func(doc string) string {
		img := goodDraft(t).image(t)
		return "oci:" + attested(t, img, [][]byte{[]byte(doc)})
	}
	claimed := func() string {
		return hostile(t, func(dir string, m *v1.Manifest) {
			d := addBlob(t, dir, 0, gzipped(t, 1000))
			d.Size = math.MaxInt64
			m.Layers = append(m.Layers, d)
		})
	}
	tests := map[string]struct {
		ref   func() string
		limit bool // ErrLimit; otherwise it is read, and not ok
		most  int
	}{
		"gzip bomb of 5 GiB":          {func() string { return withBlob(t, 0, repeated(gzipped(t, 64<<20), 80)...) }, true, 80},
		"zstd bomb of 5 GiB":          {func() string { return withBlob(t, 0, repeated(zstdZeros(t, 64<<20), 80)...) }, true, 80},
		"blob that claims 8 EiB":      {claimed, false, 80},
		"tar entry of 5 GiB, not all": {func() string { return withBlob(t, 0, corrupt(tarOf(t, file("x", 0o644)), 124, "50000000000\x00")) }, false, 80},
		"10 million entries":          {func() string { return withBlob(t, 0, repeated(entries(t, 300_000, 300_000), 34)...) }, true, 250},
		"10 million times one entry":  {func() string { return withBlob(t, 0, repeated(entries(t, 100_000, 1), 100)...) }, true, 80},
		"long names":                  {func() string { return withBlob(t, 0, longNames(t, 20_000)) }, true, 250},
		"16 build infos of 4 MiB":     {func() string { return withProgram(t, buildInfos(16, 4<<20-1<<10)) }, false, 300},
		"build info of 60 MiB":        {func() string { return withProgram(t, sectionInfo(60<<20)) }, false, 150},
		"4000 build infos":            {func() string { return withProgram(t, buildInfos(4000, 1<<10)) }, false, 150},
		"config of 1 GiB":             {func() string { return withConfigBlob(t, gib, `{"config":`) }, true, 80},
		"label of 1 GiB":              {func() string { return withConfigBlob(t, gib, `{"config":{"Labels":{"x":"`) }, true, 80},
		"config of small elements":    {func() string { return withConfigBlob(t, 0, `{"config":{"Env":[`+strings.Repeat(`"",`, 1<<20)+`""]}}`) }, false, 200},
		"config of labels":            {func() string { return withConfigBlob(t, 0, `{"config":{"Labels":{`+manyKeys(300_000)+`"x":""}}}`) }, false, 250},
		"manifest of 1 GiB":           {func() string { return manifest(`{"annotations":{"x":"`, gib) }, true, 80},
		"manifest of small elements": {func() string {
			return manifest(`{"config":{"mediaType":"`+string(types.OCIConfigJSON)+`"},"layers":[`+strings.Repeat("{},", 300_000)+"{}]}", 0)
		}, true, 250},
		"registry without end":   {func() string { return endless(t) }, true, 80},
		"indexes of indexes":     {func() string { return pyramid(t) }, true, 120},
		"SBOM of small elements": {func() string { return sbom(`{"predicate":{"packages":[` + strings.Repeat("{},", 5<<20) + "{}]}}") }, false, 80},
		"SBOM of small references": {func() string {
			return sbom(`{"predicate":{"packages":[{"externalRefs":[` + strings.Repeat("{},", 5<<20) + "{}]}]}}")
		}, false, 80},
		"SBOM of one name": {func() string {
			return sbom(`{"predicate":{"packages":[{"name":"` + strings.Repeat("x", 15<<20) + `"}]}}`)
		}, false, 150},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			a := inChild(t, tc.ref())
			if a.OK || a.Limit != tc.limit || (!a.Limit && a.Err != "") {
				t.Errorf("%+v", a)
			}
			if a.Peak > tc.most {
				t.Errorf("%d MiB, more than %d", a.Peak, tc.most)
			}
			t.Logf("%d MiB: %s%v", a.Peak, a.Err, a.Failed)
		})
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"%d":"",`, i)
	}
	return b.String()
}

// withProgram is an image of which the layer is not compressed and the program this one.
func withProgram(t *testing.T, data []byte) string {
	d := goodDraft(t)
	d.compression = "none"
	d.content["orders"] = data
	return "oci:" + writeLayout(t, d.image(t))
}

// buildInfos is a program that holds many copies of build info, of small modules, each of
// which differs from the others.
func buildInfos(n, size int) []byte {
	var body bytes.Buffer
	for i := range n {
		fmt.Fprintf(&body, "%spath\tx%d\n", infoStart, i)
		body.Write(bytes.Repeat([]byte("dep\ta\tb\n"), size/8))
		body.WriteString("\xf9\x32\x43\x31\x86\x18\x20\x72\x00\x82\x42\x10\x41\x16\xd8\xf2")
	}
	return program64(elf.PF_R|elf.PF_W, body.Bytes())
}

// sectionInfo is a program whose build info, where go version looks for it, is that long.
func sectionInfo(size int) []byte {
	mod := infoStart + "path\tx\n" + strings.Repeat("dep\ta\tb\n", size/8) + strings.Repeat("e", 16)
	body := append([]byte("--------"), infoMagic+"\x08\x02"...) // behind two headers of 120 bytes, aligned to 16
	body = append(body, make([]byte, 16)...)
	body = append(body, "\x08go1.26.8"...)
	return program64(elf.PF_R|elf.PF_W, append(le.AppendUvarint(body, uint64(len(mod))), mod...))
}
