package export

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

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

// TestAhead brings a base's layers to a registry before there is an image; the push does not ask for
// them again, under none of its names.
func TestAhead(t *testing.T) {
	var asked []string
	var mu sync.Mutex
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.Method+" "+r.URL.Path+"?"+r.URL.RawQuery)
		mu.Unlock()
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	img := hello(t)
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := layers[0].Digest()
	if err != nil {
		t.Fatal(err)
	}
	// about is how often the registry was asked for the layer, and for a new image.
	about := func() (layer, manifest int) {
		mu.Lock()
		defer mu.Unlock()
		for _, request := range asked {
			if strings.Contains(request, digest.Hex) {
				layer++
			}
			if strings.HasPrefix(request, "PUT") && strings.Contains(request, "/manifests/") {
				manifest++
			}
		}
		return layer, manifest
	}
	pusher, err := NewPusher()
	if err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(srv.URL, "http://")
	o := Options{Names: []string{host + "/app:1", host + "/app:2"}, Pusher: pusher}
	Ahead(t.Context(), []Output{{Type: TypeOCI, Dest: "x"}}, layers, o)
	if len(asked) > 0 {
		t.Errorf("without a push the registry was asked: %q", asked)
	}
	Ahead(t.Context(), []Output{{Type: TypeImage, Push: true}}, layers[:1], o)
	before, manifests := about()
	if before == 0 || manifests != 0 {
		t.Errorf("the registry was asked for the layer %d times, and given %d images: %q", before, manifests, asked)
	}
	write(t, Artifact{Image: img}, "type=image,push=true", o)
	if after, manifests := about(); after != before || manifests != 2 {
		t.Errorf("the push asked for the layer again, or there are not two names: %q", asked)
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
