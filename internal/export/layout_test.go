package export

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

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
