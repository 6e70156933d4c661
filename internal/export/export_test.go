package export

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// image is for linux/amd64 and has one layer with these entries.
func image(t *testing.T, entries ...tar.Header) v1.Image {
	t.Helper()
	return imageFor(t, "amd64", "", entries...)
}

func imageFor(t *testing.T, arch, variant string, entries ...tar.Header) v1.Image {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, h := range entries {
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(h.Name))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			io.WriteString(w, h.Name)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(buf.Bytes())), nil }
	l, err := tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), l)
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Variant = "linux", arch, variant
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	return mutate.ConfigMediaType(img, types.OCIConfigJSON)
}

func hello(t *testing.T) v1.Image {
	return image(t,
		tar.Header{Typeflag: tar.TypeReg, Name: "app", Mode: 0o4755},
		tar.Header{Typeflag: tar.TypeDir, Name: "etc/", Mode: 0o555},
		tar.Header{Typeflag: tar.TypeReg, Name: "etc/conf", Mode: 0o640},
		tar.Header{Typeflag: tar.TypeSymlink, Name: "link", Linkname: "/etc/conf", Mode: 0o777},
		tar.Header{Typeflag: tar.TypeLink, Name: "hard", Linkname: "app"},
		tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777},
	)
}

func index(t *testing.T) Artifact {
	t.Helper()
	add := func(arch, variant string) mutate.IndexAddendum {
		img := imageFor(t, arch, variant, tar.Header{Typeflag: tar.TypeReg, Name: arch, Mode: 0o755})
		return mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch, Variant: variant}}}
	}
	return Artifact{Index: mutate.AppendManifests(empty.Index, add("amd64", ""), add("arm", "v7"))}
}

// write writes one output and must succeed.
func write(t *testing.T, a Artifact, output string, o Options) Written {
	t.Helper()
	out, err := Parse(output)
	if err != nil {
		t.Fatal(err)
	}
	done, err := Write(t.Context(), a, []Output{out}, o)
	if err != nil {
		t.Fatal(err)
	}
	return done[0]
}

func digestOf(t *testing.T, a interface{ Digest() (v1.Hash, error) }) v1.Hash {
	t.Helper()
	d, err := a.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// listing is every file below dir with its mode and content.
func listing(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		line := info.Mode().String()
		switch {
		case info.Mode().IsRegular():
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += " " + string(data)
		case info.Mode().Type() == fs.ModeSymlink:
			target, _ := os.Readlink(path)
			line += " " + target
		}
		rel, _ := filepath.Rel(dir, path)
		found[filepath.ToSlash(rel)] = line
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// hidden are names that only an unfinished output has.
func hidden(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestLayout(t *testing.T) {
	for name, a := range map[string]Artifact{"image": {Image: hello(t)}, "index": index(t)} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "made", "layout")
			w := write(t, a, "type=oci,tar=false,dest="+dir, Options{Names: []string{"team/app:v1", "app"}})
			idx, err := layout.ImageIndexFromPath(dir)
			if err != nil {
				t.Fatal(err)
			}
			if err := validate.Index(idx); err != nil {
				t.Error(err)
			}
			m, err := idx.IndexManifest()
			if err != nil {
				t.Fatal(err)
			}
			var got [][2]string
			for _, d := range m.Manifests {
				if d.Digest != w.Digest || d.Digest != digestOf(t, a.manifest()) {
					t.Errorf("digest %s in the layout, %s reported", d.Digest, w.Digest)
				}
				got = append(got, [2]string{d.Annotations[refName], d.Annotations[imageName]})
			}
			if diff := cmp.Diff([][2]string{{"v1", "docker.io/team/app:v1"}, {"latest", "docker.io/library/app:latest"}}, got); diff != "" {
				t.Error(diff)
			}
			first := listing(t, dir)
			write(t, a, "type=oci,tar=false,dest="+dir, Options{})
			second := listing(t, dir)
			if !strings.Contains(second["index.json"], `"org.opencontainers.image.ref.name":"latest"`) || strings.Contains(second["index.json"], imageName) {
				t.Errorf("index without a name: %s", second["index.json"])
			}
			delete(first, "index.json")
			delete(second, "index.json")
			if diff := cmp.Diff(first, second); diff != "" {
				t.Errorf("a layout that was replaced differs:\n%s", diff)
			}
			if left := hidden(t, filepath.Dir(dir)); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

func TestLayoutRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.txt"), []byte("years"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, dest := range []string{dir, filepath.Join(dir, "thesis.txt"), filepath.Join(dir, "thesis.txt", "x")} {
		_, err := Write(t.Context(), Artifact{Image: hello(t)}, []Output{{Type: TypeOCI, Dir: true, Dest: dest}}, Options{})
		if err == nil {
			t.Errorf("%s was replaced", dest)
		}
	}
	if got := listing(t, dir); len(got) != 1 {
		t.Errorf("directory holds %v", got)
	}
}

// Archives are the same bytes each time and can be read by other tools.
func TestArchives(t *testing.T) {
	img := hello(t)
	for kind, a := range map[string]Artifact{"oci": {Image: img}, "oci index": index(t), "docker": {Image: img}} {
		t.Run(kind, func(t *testing.T) {
			output := "type=" + strings.Fields(kind)[0]
			file := filepath.Join(t.TempDir(), "out.tar")
			var stdout bytes.Buffer
			o := Options{Names: []string{"team/app:v1", "team/app:v2"}, Stdout: &stdout}
			write(t, a, output+",dest="+file, o)
			write(t, a, output+",dest=-", o)
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if sha256.Sum256(data) != sha256.Sum256(stdout.Bytes()) {
				t.Error("the file and stdout differ")
			}
			dir := t.TempDir()
			untar(t, data, dir)
			idx, err := layout.ImageIndexFromPath(dir)
			if err != nil {
				t.Fatal(err)
			}
			if err := validate.Index(idx); err != nil {
				t.Error(err)
			}
			if kind != "docker" {
				return
			}
			tag, err := name.NewTag("team/app:v2")
			if err != nil {
				t.Fatal(err)
			}
			back, err := tarball.ImageFromPath(file, &tag)
			if err != nil {
				t.Fatal(err)
			}
			if err := validate.Image(back); err != nil {
				t.Error(err)
			}
			want, _ := img.ConfigName()
			if got, _ := back.ConfigName(); got != want {
				t.Errorf("config %s, want %s", got, want)
			}
		})
	}
}

func untar(t *testing.T, data []byte, dir string) {
	t.Helper()
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeDir {
			err = os.MkdirAll(filepath.Join(dir, h.Name), 0o755)
		} else {
			var body []byte
			body, err = io.ReadAll(r)
			err = errors.Join(err, os.WriteFile(filepath.Join(dir, h.Name), body, 0o644))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestLocal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "root")
	write(t, Artifact{Image: hello(t)}, dir, Options{})
	want := map[string]string{
		"app": "-rwxr-xr-x app", "hard": "-rwxr-xr-x app", "etc": "dr-xr-xr-x", "etc/conf": "-rw-r----- etc/conf",
		"link": "Lrwxrwxrwx /etc/conf", "tmp": "dtrwxrwxrwx",
	}
	if diff := cmp.Diff(want, listing(t, dir)); diff != "" {
		t.Errorf("new directory (-want +got):\n%s", diff)
	}
	if err := os.WriteFile(filepath.Join(dir, "mine"), []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "app"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, Artifact{Image: hello(t)}, dir, Options{})
	want["mine"] = "-rw------- kept"
	if diff := cmp.Diff(want, listing(t, dir)); diff != "" {
		t.Errorf("existing directory (-want +got):\n%s", diff)
	}
	if left := hidden(t, filepath.Dir(dir)); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}

	dir = filepath.Join(t.TempDir(), "many")
	write(t, index(t), dir, Options{})
	want = map[string]string{"linux_amd64": "drwxr-xr-x", "linux_amd64/amd64": "-rwxr-xr-x amd64", "linux_arm_v7": "drwxr-xr-x", "linux_arm_v7/arm": "-rwxr-xr-x arm"}
	if diff := cmp.Diff(want, listing(t, dir)); diff != "" {
		t.Errorf("two platforms (-want +got):\n%s", diff)
	}
}

func TestRootTar(t *testing.T) {
	for _, test := range []struct {
		artifact Artifact
		want     []string
	}{
		{Artifact{Image: hello(t)}, []string{"app", "etc/", "etc/conf", "link", "hard", "tmp/"}},
		{index(t), []string{"linux_amd64/amd64", "linux_arm_v7/arm"}},
	} {
		var stdout bytes.Buffer
		write(t, test.artifact, "-", Options{Stdout: &stdout})
		var got []string
		for r := tar.NewReader(&stdout); ; {
			h, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, h.Name)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Error(diff)
		}
	}
}

// A layer cannot write outside of the directory.
func TestHostileLayer(t *testing.T) {
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	if err := os.Mkdir(victim, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, img := range []v1.Image{
		image(t, tar.Header{Typeflag: tar.TypeSymlink, Name: "out", Linkname: victim}, tar.Header{Typeflag: tar.TypeLink, Name: "hard", Linkname: "out/x"}),
		image(t, tar.Header{Typeflag: tar.TypeReg, Name: "../evil", Mode: 0o644}),
		image(t, tar.Header{Typeflag: tar.TypeLink, Name: "evil", Linkname: "/etc/passwd"}),
	} {
		_, err := Write(t.Context(), Artifact{Image: img}, []Output{{Type: TypeLocal, Dest: filepath.Join(dir, "sub", "x")}}, Options{})
		if err == nil {
			t.Error("a hostile layer was unpacked")
		}
		if got := listing(t, dir); len(got) != 1 {
			t.Errorf("it left %v", got)
		}
	}
}

func TestPush(t *testing.T) {
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/private/") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	host := strings.TrimPrefix(srv.URL, "http://")
	for kind, a := range map[string]Artifact{"image": {Image: hello(t)}, "index": index(t)} {
		names := []string{host + "/" + kind + "/app:v1", host + "/" + kind + "/other"}
		w := write(t, a, "type=image,push=true", Options{Names: names})
		for _, n := range w.Names {
			ref, err := name.ParseReference(n)
			if err != nil {
				t.Fatal(err)
			}
			desc, err := remote.Get(ref)
			if err != nil {
				t.Fatal(err)
			}
			if desc.Digest != w.Digest || desc.Digest != digestOf(t, a.manifest()) {
				t.Errorf("%s is %s, want %s", n, desc.Digest, w.Digest)
			}
		}
	}
	_, err := Write(t.Context(), Artifact{Image: hello(t)}, []Output{{Type: TypeImage, Push: true}}, Options{Names: []string{host + "/private/x"}})
	if err == nil || !strings.Contains(err.Error(), "docker login "+host) {
		t.Errorf("a push that is refused: %v", err)
	}
}

// Annotations of an output change its manifests and nothing below.
func TestAnnotations(t *testing.T) {
	for kind, a := range map[string]Artifact{"image": {Image: hello(t)}, "index": index(t)} {
		dir := filepath.Join(t.TempDir(), kind)
		w := write(t, a, "type=oci,tar=false,annotation.org.x=1,dest="+dir, Options{})
		idx, err := layout.ImageIndexFromPath(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Index(idx); err != nil {
			t.Error(err)
		}
		back := Artifact{}
		if a.Index != nil {
			back.Index, err = idx.ImageIndex(w.Digest)
		} else {
			back.Image, err = idx.Image(w.Digest)
		}
		if err != nil {
			t.Fatal(err)
		}
		was, errWas := a.images()
		now, errNow := back.images()
		if err := errors.Join(errWas, errNow); err != nil {
			t.Fatal(err)
		}
		for i := range was {
			m, err := now[i].image.Manifest()
			if err != nil {
				t.Fatal(err)
			}
			old, err := was[i].image.ConfigName()
			if err != nil {
				t.Fatal(err)
			}
			if m.Annotations["org.x"] != "1" || m.Config.Digest != old || !cmp.Equal(now[i].platform, was[i].platform) {
				t.Errorf("%s: manifest %+v for %v, want the config %s", kind, m, now[i].platform, old)
			}
		}
	}
}

// failing is an image whose layer cannot be read to its end.
type failing struct {
	v1.Image
	err error
}

func (f failing) Layers() ([]v1.Layer, error) {
	layers, err := f.Image.Layers()
	return []v1.Layer{failingLayer{layers[0], f.err}}, err
}

type failingLayer struct {
	v1.Layer
	err error
}

func (f failingLayer) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(iotest.ErrReader(f.err)), nil
}

func (f failingLayer) Uncompressed() (io.ReadCloser, error) { return f.Compressed() }

// What fails or is cancelled leaves what was there before.
func TestAtomic(t *testing.T) {
	broken := errors.New("broken")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, output := range []string{"type=oci,dest=%/x.tar", "type=docker,dest=%/x.tar", "type=tar,dest=%/x.tar", "type=oci,tar=false,dest=%/new/x", "type=local,dest=%/new/x"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "x.tar"), []byte("before"), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := Parse(strings.ReplaceAll(output, "%", dir))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Write(t.Context(), Artifact{Image: failing{hello(t), broken}}, []Output{out}, Options{}); !errors.Is(err, broken) {
			t.Errorf("%s: error %v, want %v", output, err, broken)
		}
		if _, err := Write(cancelled, Artifact{Image: hello(t)}, []Output{out}, Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want context.Canceled", output, err)
		}
		if diff := cmp.Diff(map[string]string{"x.tar": "-rw-r--r-- before"}, listing(t, dir)); diff != "" {
			t.Errorf("%s left (-want +got):\n%s", output, diff)
		}
	}
}

// All outputs are checked before the first is written.
func TestCheckedFirst(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.tar")
	outputs := []Output{{Type: TypeOCI, Dest: file}, {Type: TypeDocker}}
	if _, err := Write(t.Context(), index(t), outputs, Options{}); err == nil {
		t.Error("two platforms were loaded into docker")
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the first output was written: %v", err)
	}
	if _, err := Write(t.Context(), Artifact{}, outputs, Options{}); err == nil {
		t.Error("nothing was exported")
	}
}
