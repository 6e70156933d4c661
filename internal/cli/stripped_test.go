package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// TestStrippedLabels drops the labels of an image: the annotations still say whose it is,
// so it is not taken for a foreign image that promises nothing.
func TestStrippedLabels(t *testing.T) {
	dir, built, stripped := t.TempDir(), filepath.Join(t.TempDir(), "built"), filepath.Join(t.TempDir(), "stripped")
	for name, text := range map[string]string{
		"go.mod": "module example.com/app\n\ngo 1.26\n", "main.go": "package main\n\nfunc main() {}\n", "plimsoll.yaml": "apiVersion: plimsoll.build/v1\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PLIMSOLL_CACHE", t.TempDir())
	var out, errs bytes.Buffer
	if code := Run(t.Context(), []string{"build", "-o", "type=oci,tar=false,dest=" + built, dir}, Streams{Out: &out, Err: &errs}); code != ExitOK {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	img := onlyImage(t, built)
	file, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	file.Config.Labels = nil
	if img, err = mutate.Config(img, file.Config); err != nil {
		t.Fatal(err)
	}
	path, err := layout.FromPath(built)
	if err != nil {
		t.Fatal(err)
	}
	index, err := path.ImageIndex()
	if err != nil {
		t.Fatal(err)
	}
	index = mutate.AppendManifests(mutate.RemoveManifests(index, func(v1.Descriptor) bool { return true }), mutate.IndexAddendum{Add: img})
	if _, err := layout.Write(stripped, index); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if code := Run(t.Context(), []string{"verify", "oci:" + stripped}, Streams{Out: &out, Err: &errs}); code != ExitFailed || !bytes.Contains(out.Bytes(), []byte("fail     labels")) {
		t.Errorf("exit code %d\n%s%s", code, &out, &errs)
	}
}

func onlyImage(t *testing.T, dir string) v1.Image {
	t.Helper()
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := index.IndexManifest()
	if err != nil || len(m.Manifests) != 1 {
		t.Fatalf("%d manifests, %v", len(m.Manifests), err)
	}
	img, err := index.Image(m.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return img
}
