package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// maxPeak is what a verification may take of memory, whatever it is given to read: a
// good image needs about a third of it.
const maxPeak = 150 << 20

// blobs are an OCI layout under construction, digests and sizes as they should be unless
// a test says otherwise.
type blobs struct {
	t   *testing.T
	dir string
}

func newBlobs(t *testing.T) *blobs {
	t.Helper()
	b := &blobs{t, t.TempDir()}
	b.write("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))
	return b
}

func (b *blobs) write(name string, data []byte) string {
	b.t.Helper()
	file := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		b.t.Fatal(err)
	}
	return file
}

func (b *blobs) add(media types.MediaType, data []byte) v1.Descriptor {
	b.t.Helper()
	hash := v1.Hash{Algorithm: "sha256", Hex: sum(data)}
	b.write("blobs/sha256/"+hash.Hex, data)
	return v1.Descriptor{MediaType: media, Digest: hash, Size: int64(len(data))}
}

func (b *blobs) addJSON(media types.MediaType, value any) v1.Descriptor {
	b.t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.add(media, data)
}

// image adds an image of one layer blob; entrypoint /app.
func (b *blobs) image(layer []byte) v1.Descriptor {
	config := b.addJSON(types.OCIConfigJSON, v1.ConfigFile{OS: "linux", Architecture: "amd64", Config: v1.Config{Entrypoint: []string{"/app"}, User: "1:1"},
		RootFS: v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{{Algorithm: "sha256", Hex: strings.Repeat("0", 64)}}}})
	return b.addJSON(types.OCIManifestSchema1, v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: config,
		Layers: []v1.Descriptor{b.add(types.OCILayer, layer)}})
}

// index ends the layout.
func (b *blobs) index(manifests ...v1.Descriptor) string {
	data, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: manifests})
	if err != nil {
		b.t.Fatal(err)
	}
	b.write("index.json", data)
	return "oci:" + b.dir
}

// zipped is a gzip stream of head and n times the block, compressed once each.
func zipped(t *testing.T, head, block []byte, n int) []byte {
	t.Helper()
	member := func(data []byte) []byte {
		var buf bytes.Buffer
		z, err := gzip.NewWriterLevel(&buf, gzip.BestSpeed)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := z.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	return append(member(head), bytes.Repeat(member(block), n)...)
}

// header is a tar header with what it claims.
func header(t *testing.T, h tar.Header) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := tar.NewWriter(&buf).WriteHeader(&h); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// headers are n empty files, by names of their own.
func headers(t *testing.T, n int) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for i := range n {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: fmt.Sprintf("file-%d", i), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// hostile are layouts and archives that ask for too much, or for ever. unreadable says
// that there is no report, only an error.
var hostile = []struct {
	name       string
	unreadable bool
	ref        func(t *testing.T) string
}{
	{"a file that claims 5 GB and brings 512 MiB", true, func(t *testing.T) string {
		b := newBlobs(t)
		return b.index(b.image(zipped(t, header(t, tar.Header{Typeflag: tar.TypeReg, Name: "app", Mode: 0o755, Size: 5e9}), make([]byte, 16<<20), 32)))
	}},
	{"ten million entries of 100,000 names", true, func(t *testing.T) string {
		b := newBlobs(t)
		return b.index(b.image(zipped(t, nil, headers(t, 1e5), 100)))
	}},
	{"a label of 1 GB", true, func(t *testing.T) string {
		b := newBlobs(t)
		config := v1.Descriptor{MediaType: types.OCIConfigJSON, Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}, Size: 1 << 30}
		file := b.write("blobs/sha256/"+config.Digest.Hex, []byte(`{"os":"linux","architecture":"amd64","config":{"Labels":{"build.plimsoll.version":"`))
		if err := os.Truncate(file, config.Size); err != nil {
			t.Fatal(err)
		}
		return b.index(b.addJSON(types.OCIManifestSchema1, v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: config}))
	}},
	{"a label of 1 GB that claims to be small", true, func(t *testing.T) string {
		b := newBlobs(t)
		config := v1.Descriptor{MediaType: types.OCIConfigJSON, Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}, Size: 100}
		file := b.write("blobs/sha256/"+config.Digest.Hex, []byte(`{"config":{"Labels":{"x":"`))
		if err := os.Truncate(file, 1<<30); err != nil {
			t.Fatal(err)
		}
		return b.index(b.addJSON(types.OCIManifestSchema1, v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: config}))
	}},
	{"an index that holds itself", true, func(t *testing.T) string {
		b := newBlobs(t)
		self := v1.Descriptor{MediaType: types.OCIImageIndex, Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("b", 64)}, Size: 1000}
		data, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{self}})
		if err != nil {
			t.Fatal(err)
		}
		self.Size = int64(len(data))
		b.write("blobs/sha256/"+self.Digest.Hex, data)
		return b.index(self)
	}},
	{"indexes in one another, 200 deep", true, func(t *testing.T) string {
		b := newBlobs(t)
		inner := b.image([]byte("no layer"))
		for range 200 {
			inner = b.addJSON(types.OCIImageIndex, v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{inner}})
		}
		return b.index(inner)
	}},
	{"an index of 15,000 images", true, func(t *testing.T) string {
		b := newBlobs(t)
		same := b.image([]byte("no layer"))
		many := make([]v1.Descriptor, 15000)
		for i := range many {
			many[i] = same
		}
		return b.index(many...)
	}},
	{"no tar", true, func(t *testing.T) string { return archive(t, bytes.Repeat([]byte("plain words "), 1000)) }},
	{"nothing", true, func(t *testing.T) string { return archive(t, nil) }},
	{"an archive whose index is a link to itself", true, func(t *testing.T) string {
		return archive(t, header(t, tar.Header{Typeflag: tar.TypeSymlink, Name: "index.json", Linkname: "index.json"}))
	}},
	{"an archive of a million members", true, func(t *testing.T) string { return archive(t, bytes.Repeat(headers(t, 1e5), 10)) }},
	{"an archive that claims 8 EB", true, func(t *testing.T) string {
		return archive(t, header(t, tar.Header{Typeflag: tar.TypeReg, Name: "index.json", Size: 1<<63 - 1, Format: tar.FormatGNU}))
	}},
	{"links of a layout that lead out of it", true, func(t *testing.T) string {
		b := newBlobs(t)
		if err := os.Symlink("/dev/zero", filepath.Join(b.dir, "index.json")); err != nil {
			t.Fatal(err)
		}
		return "oci:" + b.dir
	}},
	{"a device in place of an archive", true, func(*testing.T) string { return "oci-archive:/dev/zero" }},
}

func archive(t *testing.T, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "a.tar")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return "oci-archive:" + file
}

// TestHostileInput gives them to the shipped command: it ends by itself, in bounded
// memory, with the exit code of its report, an error that says something, and no file.
func TestHostileInput(t *testing.T) {
	for _, tt := range hostile {
		t.Run(tt.name, func(t *testing.T) {
			res := verifyCommand(t, nil, tt.ref(t))
			if want := map[bool]int{true: 2, false: 1}[tt.unreadable]; res.code != want {
				t.Errorf("exit code %d, want %d\n%s%s", res.code, want, res.stdout, res.stderr)
			}
			endsWell(t, res)
			t.Logf("%d MiB, %.200s", res.peak>>20, res.stderr)
		})
	}
}

func endsWell(t *testing.T, res verified) {
	t.Helper()
	if res.peak > maxPeak {
		t.Errorf("%d MiB of memory", res.peak>>20)
	}
	if len(res.left) > 0 {
		t.Errorf("left behind: %v", res.left)
	}
	if res.code == 2 && (len(strings.TrimSpace(res.stderr)) == 0 || len(res.stderr) > 4096) {
		t.Errorf("an error of %d bytes: %.300s", len(res.stderr), res.stderr)
	}
	if res.code == 0 {
		t.Error("it passed")
	}
}

// TestTruncatedArchives cuts a good archive at many places, for each way to hand it over.
// The last piece is whole but for the tar's end, which nobody needs.
func TestTruncatedArchives(t *testing.T) {
	whole := ociArchive(t, filepath.Join(corpusDir(t), "good"))
	const pieces = 24
	for i := range pieces {
		cut := whole[:len(whole)*i/pieces]
		ref := archive(t, cut)
		endsWell(t, verifyCommand(t, nil, ref))
		stdin, err := os.Open(strings.TrimPrefix(ref, "oci-archive:"))
		if err != nil {
			t.Fatal(err)
		}
		endsWell(t, verifyInput(t, stdin, nil, "-"))
		stdin.Close()
	}
	if res := verifyCommand(t, nil, archive(t, whole)); res.code != 0 {
		t.Errorf("the whole: exit code %d\n%s", res.code, res.stdout)
	}
}

// ociArchive is a layout as one tar.
func ociArchive(t *testing.T, dir string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := d.Info()
		if err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: info.Size()}); err != nil {
			return err
		}
		_, err = io.Copy(w, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}
