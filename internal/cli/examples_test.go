package cli

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// anyGo is what follows from the version of the go command that is installed.
var anyGo = regexp.MustCompile(`"(go|build\.plimsoll\.(?:go|plan-digest|seal))": "[^"]*"`)

// TestExamplePlans holds the whole plan of each example: what changes for a user of that
// kind of service shows here. A base stands in for distroless, and is the same always.
func TestExamplePlans(t *testing.T) {
	server := httptest.NewServer(registry.New())
	t.Cleanup(server.Close)
	base := strings.TrimPrefix(server.URL, "http://") + "/base:1"
	pushBase(t, base)
	t.Setenv("BUILDX_GIT_INFO", "false")
	for _, ex := range []struct{ name, context, spec string }{
		{"hello", "hello", "plimsoll.yaml"},
		{"api", "api", "plimsoll.yaml"},
		{"api-scratch", "api", "plimsoll.scratch.yaml"},
		{"workspace", "workspace", "services/orders/plimsoll.yaml"},
		{"frontend", "..", "plimsoll.yaml"},
	} {
		t.Run(ex.name, func(t *testing.T) {
			context := filepath.Join("..", "..", "examples", ex.context)
			var stdout, stderr bytes.Buffer
			code := Run(t.Context(), []string{"plan", "--pretty", "--platform", "linux/amd64", "--build-arg", "REVISION=0123", "--build-arg", "SOURCE_DATE_EPOCH=0",
				"--build-context", "static=docker-image://" + base, "-f", filepath.Join(context, ex.spec), context}, Streams{Out: &stdout, Err: &stderr})
			if code != ExitOK {
				t.Fatalf("exit code %d\n%s", code, &stderr)
			}
			got := anyGo.ReplaceAllString(stdout.String(), `"$1": "of this machine"`)
			golden := filepath.Join("testdata", "plans", ex.name+".json")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("the plan changed (-update writes it):\n%s", diff)
			}
		})
	}
}

// pushBase pushes an image without layers that has a config like distroless'.
func pushBase(t *testing.T, ref string) {
	t.Helper()
	img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		OS: "linux", Architecture: "amd64",
		Config: v1.Config{User: "65532", WorkingDir: "/home/nonroot", Env: []string{"PATH=/usr/bin:/bin", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, img); err != nil {
		t.Fatal(err)
	}
}
