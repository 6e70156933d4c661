package e2e

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/compression"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/plimsoll-build/plimsoll/internal/corpus"
	"github.com/plimsoll-build/plimsoll/internal/testenv"
)

// goodImage is the corpus's, which passes.
func goodImage(t *testing.T) v1.Image {
	t.Helper()
	return images(t, filepath.Join(corpusDir(t), "good"))["linux/amd64"]
}

// recoded is an image with its layers in another form; its config, and so the seal, stays.
func recoded(t *testing.T, img v1.Image, docker bool, code func([]byte) (v1.Layer, error)) v1.Image {
	t.Helper()
	out := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if docker {
		out = mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.DockerManifestSchema2), types.DockerConfigJSON)
	}
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range layers {
		r, err := l.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if l, err = code(data); err != nil {
			t.Fatal(err)
		}
		if out, err = mutate.AppendLayers(out, l); err != nil {
			t.Fatal(err)
		}
	}
	out, err = mutate.ConfigFile(out, config(t, img))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func layerFrom(options ...tarball.LayerOption) func([]byte) (v1.Layer, error) {
	return func(data []byte) (v1.Layer, error) {
		return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }, options...)
	}
}

// forms are the ways in which one image is stored and named. Each is the same image, so
// that each has the same verdicts.
func forms(t *testing.T, b *testenv.Bed) map[string]string {
	t.Helper()
	img, dir := goodImage(t), t.TempDir()
	variants := map[string]v1.Image{
		"oci-gzip":      img,
		"oci-zstd":      recoded(t, img, false, layerFrom(tarball.WithCompression(compression.ZStd), tarball.WithMediaType(types.OCILayerZStd))),
		"oci-plain":     recoded(t, img, false, func(data []byte) (v1.Layer, error) { return static.NewLayer(data, types.OCIUncompressedLayer), nil }),
		"docker-gzip":   recoded(t, img, true, layerFrom(tarball.WithMediaType(types.DockerLayer))),
		"docker-plain":  recoded(t, img, true, func(data []byte) (v1.Layer, error) { return static.NewLayer(data, types.DockerUncompressedLayer), nil }),
		"oci-annotated": mutate.Annotations(img, map[string]string{"com.example.note": "hi"}).(v1.Image),
	}
	refs := map[string]string{}
	for form, img := range variants {
		layout := filepath.Join(dir, form)
		if err := corpus.WriteLayout(layout, img); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, form+".tar")
		if err := os.WriteFile(file, ociArchive(t, layout), 0o644); err != nil {
			t.Fatal(err)
		}
		ref := b.Registry.Addr + "/forms/" + form + ":1"
		push(t, ref, img, nil)
		refs[form+" as a layout"], refs[form+" as a layout's tag"], refs[form+" as a layout's digest"] = "oci:"+layout, "oci:"+layout+":latest", "oci:"+layout+"@"+digestOf(t, img)
		refs[form+" as an archive"] = "oci-archive:" + file
		refs[form+" in a registry"], refs[form+" in a registry by digest"] = ref, b.Registry.Addr+"/forms/"+form+"@"+digestOf(t, img)
	}
	saved := filepath.Join(dir, "saved.tar")
	tag, err := name.NewTag("example.com/app:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := tarball.WriteToFile(saved, tag, img); err != nil {
		t.Fatal(err)
	}
	refs["docker save"] = "docker-archive:" + saved
	return refs
}

func push(t *testing.T, ref string, img v1.Image, auth *testenv.Credentials) {
	t.Helper()
	parsed, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	option := remote.WithAuth(authn.Anonymous)
	if auth != nil {
		option = remote.WithAuth(&authn.Basic{Username: auth.User, Password: auth.Password})
	}
	if err := remote.Write(parsed, img, option, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// TestForms verifies one image in every form: nothing fails, and what the form loses,
// the annotations, is the only difference.
func TestForms(t *testing.T) {
	want := judged(t, nil, "oci:"+filepath.Join(corpusDir(t), "good"))[0].rules("pass")
	for form, ref := range forms(t, testenv.Shared(t)) {
		t.Run(form, func(t *testing.T) {
			js := judged(t, nil, ref)
			if len(js) != 1 || js[0].Platform != "linux/amd64" {
				t.Fatalf("%+v", js)
			}
			if diff := cmp.Diff(want, js[0].rules("pass")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestArchiveAsStream hands archives over on the standard input and through a stand-in for
// the docker command.
func TestArchiveAsStream(t *testing.T) {
	for form, ref := range forms(t, testenv.Shared(t)) {
		_, file, _ := strings.Cut(ref, ":")
		if !strings.HasSuffix(file, ".tar") {
			continue
		}
		stdin, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		res := verifyInput(t, stdin, nil, "-")
		stdin.Close()
		if res.code != 0 || len(res.left) > 0 {
			t.Errorf("%s on the standard input: exit code %d, left %v\n%s%s", form, res.code, res.left, res.stdout, res.stderr)
		}
		bin := t.TempDir()
		script(t, filepath.Join(bin, "docker"), fmt.Sprintf(`[ "$1 $2" = "save example.com/app:1" ] || [ "$2 $3" = "-- example.com/app:1" ] || exit 9; exec cat %q`, file))
		res = verifyCommand(t, []string{"PATH=" + bin + ":" + os.Getenv("PATH")}, "docker-daemon:example.com/app:1")
		if res.code != 0 || len(res.left) > 0 {
			t.Errorf("%s from a daemon: exit code %d, left %v\n%s%s", form, res.code, res.left, res.stdout, res.stderr)
		}
	}
}

func script(t *testing.T, file, body string) {
	t.Helper()
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// TestPrivateRegistry verifies with the credentials of docker's config, with those of a
// credential helper, with wrong ones, and with none.
func TestPrivateRegistry(t *testing.T) {
	b := testenv.Shared(t)
	ref := b.Private.Addr + "/private/app:1"
	push(t, ref, goodImage(t), &testenv.SharedCredentials)
	right := testenv.DockerConfig(t, map[string]testenv.Credentials{b.Private.Addr: testenv.SharedCredentials})
	wrong := testenv.DockerConfig(t, map[string]testenv.Credentials{b.Private.Addr: {User: "bed", Password: "wrong"}})
	helper := t.TempDir()
	script(t, filepath.Join(helper, "docker-credential-corpus"), fmt.Sprintf(`[ "$1" = get ] || exit 1; cat >/dev/null; echo '{"Username":%q,"Secret":%q}'`,
		testenv.SharedCredentials.User, testenv.SharedCredentials.Password))
	if err := os.WriteFile(filepath.Join(helper, "config.json"), fmt.Appendf(nil, `{"credHelpers":{%q:"corpus"}}`, b.Private.Addr), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		env  []string
		code int
	}{
		{"docker's config", []string{"DOCKER_CONFIG=" + right}, 0},
		{"a credential helper", []string{"DOCKER_CONFIG=" + helper, "PATH=" + helper + ":" + os.Getenv("PATH")}, 0},
		{"a wrong password", []string{"DOCKER_CONFIG=" + wrong}, 2},
		{"none", []string{"DOCKER_CONFIG=" + t.TempDir()}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res := verifyCommand(t, tt.env, ref)
			if res.code != tt.code {
				t.Errorf("exit code %d\n%s%s", res.code, res.stdout, res.stderr)
			}
			lacks(t, "the output", res.stdout+res.stderr, testenv.SharedCredentials.Password)
			lacks(t, "the output", res.stdout+res.stderr, "wrong")
		})
	}
}
