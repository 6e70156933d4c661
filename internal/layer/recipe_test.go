package layer

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// TestNewBinary is of a binary that was just linked: making its layer says its sum, and with that
// the next build finds the layer without reading the binary.
func TestNewBinary(t *testing.T) {
	store, src := Store{Dir: t.TempDir()}, sources(t)
	src.Sums = map[string]string{}
	for _, l := range []plan.Layer{
		{Name: "binary", Files: []plan.File{{Path: "/app", Mode: 0o755, Source: plan.Source{Binary: "app"}}}},
		{Name: "binary and files", Files: []plan.File{
			{Path: "/app", Mode: 0o755, Source: plan.Source{Binary: "app"}},
			{Path: "/conf.yaml", Source: plan.Source{Context: "conf.yaml"}},
		}},
	} {
		delete(src.Sums, "app")
		first := digestOf(t, store, l, src)
		want, err := FileSum(src.Binaries["app"])
		if err != nil || src.Sums["app"] != want {
			t.Errorf("%s: sum %q, %v; want %q", l.Name, src.Sums["app"], err, want)
		}
		made := stat(t, filepath.Join(store.Dir, first.Hex))
		if digestOf(t, store, l, src) != first || !os.SameFile(made, stat(t, filepath.Join(store.Dir, first.Hex))) {
			t.Errorf("%s: made twice", l.Name)
		}
	}
	if err := os.Remove(src.Binaries["app"]); err != nil {
		t.Fatal(err)
	}
	digestOf(t, store, plan.Layer{Name: "binary", Files: []plan.File{{Path: "/app", Mode: 0o755, Source: plan.Source{Binary: "app"}}}}, src)
}
