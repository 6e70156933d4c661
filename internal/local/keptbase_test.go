package local

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/opencontainers/go-digest"
)

// opened resolves a base, opens it and reads its layers, as a build into a directory does.
func opened(t *testing.T, keep, ref string) v1.Image {
	t.Helper()
	r := &Resolver{Keep: keep}
	p := overBase(t, r, ref)
	img, err := r.Open(t.Context(), p.Base, amd64)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(img); err != nil {
		t.Error(err)
	}
	return img
}

// What a digest names is asked for once: later builds ask whether the tag has moved.
func TestBasesAreKept(t *testing.T) {
	s, keep := serve(t), t.TempDir()
	index := baseIndex(t, "amd64", "arm64")
	push(t, s.host+"/team/base:1", index)
	first := digestOf(t, opened(t, keep, s.host+"/team/base:1"))
	for _, ref := range []string{s.host + "/team/base:1", s.host + "/team/base@" + digestOf(t, index)} {
		opened(t, keep, ref)
		s.log = nil
		if got := digestOf(t, opened(t, keep, ref)); got != first {
			t.Errorf("%s: the base is %s, and was %s", ref, got, first)
		}
		if n := s.count("GET", "sha256:"); n != 0 {
			t.Errorf("%s: asked again: %q", ref, s.log)
		}
		if n := len(s.log); n > 2 {
			t.Errorf("%s: %d requests, not a ping and one for the tag: %q", ref, n, s.log)
		}
	}
	moved := baseImage(t, "amd64")
	push(t, s.host+"/team/base:1", moved)
	if got := digestOf(t, opened(t, keep, s.host+"/team/base:1")); got != digestOf(t, moved) {
		t.Errorf("the tag has moved, and the base is still %s", got)
	}
}

// A damaged file is asked for again; half a download is not kept.
func TestKeptBasesAreCompared(t *testing.T) {
	s, keep := serve(t), t.TempDir()
	push(t, s.host+"/team/base:1", baseImage(t, "amd64"))
	first := digestOf(t, opened(t, keep, s.host+"/team/base:1"))
	files, err := filepath.Glob(filepath.Join(keep, "bases", "*"))
	if err != nil || len(files) != 3 { // the config and two layers: a tag's manifest is asked for
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		if err := os.WriteFile(file, []byte("{}"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := digestOf(t, opened(t, keep, s.host+"/team/base:1")); got != first {
		t.Errorf("the base is %s, and was %s", got, first)
	}
	usage, err := Cache{Dir: keep}.Usage()
	if err != nil {
		t.Fatal(err)
	}
	if last := usage[len(usage)-1]; last.Kind != "bases" || last.Entries != 3 || last.Bytes < 2000 {
		t.Errorf("the cache says %+v", last)
	}
	if freed, err := (Cache{Dir: keep}).Prune(t.Context(), 0, time.Now().Add(time.Hour)); err != nil || freed < 2000 {
		t.Errorf("pruning freed %d, %v", freed, err)
	}
}

// Registries answer from other hosts, whose paths say nothing, and not always to the end; who
// reads an answer stops at its size. HTTP/2 says the end apart from the last bytes.
func TestWhatIsKept(t *testing.T) {
	const body = "what the registry has"
	sum := digest.FromString(body).String()
	for _, c := range []struct {
		name, sent string
		http2      bool
		read       int64 // bytes; the rest is not asked for
		kept       bool
	}{
		{"whole", body, false, 100, true},
		{"whole, by its size", body, false, int64(len(body)), true},
		{"whole, by its size, HTTP/2", body, true, int64(len(body)), true},
		{"cut", body[:5], false, 100, false},
		{"left", body, true, 5, false},
		{"other bytes", strings.ToUpper(body), false, 100, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked, dir := 0, t.TempDir()
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.ProtoMajor == 2 != c.http2 {
					t.Errorf("the request is %s", r.Proto)
				}
				if strings.HasPrefix(r.URL.Path, "/v2/") {
					http.Redirect(w, r, "/storage/x?signature=y", http.StatusTemporaryRedirect)
					return
				}
				asked++
				_, _ = io.WriteString(w, c.sent)
			}))
			srv.EnableHTTP2 = c.http2
			srv.StartTLS()
			defer srv.Close()
			client := &http.Client{Transport: keptBases{dir, srv.Client().Transport}}
			get := func(repo string) {
				resp, err := client.Get(srv.URL + "/v2/" + repo + "/blobs/" + sum)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(io.LimitReader(resp.Body, c.read))
				if err != nil || !strings.HasPrefix(c.sent, string(got)) || resp.Body.Close() != nil {
					t.Errorf("%q, %v", got, err)
				}
			}
			get("a/b")
			get("a/b")
			if want := map[bool]int{true: 1, false: 2}[c.kept]; asked != want {
				t.Errorf("asked %d times, want %d", asked, want)
			}
			before := asked
			if get("other/repository"); asked != before+1 {
				t.Error("one repository's blob was served for another")
			}
			if left, err := filepath.Glob(filepath.Join(dir, "tmp-*")); err != nil || len(left) != 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}
