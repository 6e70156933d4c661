package export

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

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
