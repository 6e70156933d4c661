package local

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// cacheOf makes a cache whose entries were used so many hours ago.
func cacheOf(t *testing.T, now time.Time, hours map[string]int) Cache {
	t.Helper()
	dir := t.TempDir()
	for name, ago := range hours {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, make([]byte, 1000), 0o644); err != nil {
			t.Fatal(err)
		}
		used := now.Add(-time.Duration(ago) * time.Hour)
		for _, p := range []string{file, filepath.Dir(file)} {
			if err := os.Chtimes(p, used, used); err != nil {
				t.Fatal(err)
			}
		}
	}
	return Cache{dir}
}

func TestPruneTakesTheLongestUnused(t *testing.T) {
	now := time.Now()
	files := map[string]int{
		"bin/old/app": 50, "bin/used/app": 50, "bin/used.size": 2, "bin/new/app": 0,
		"layers/aa": 40, "layers/bb": 1, "overlay/c.json": 30,
	}
	tests := []struct {
		name  string
		limit int64
		gone  []string
	}{
		{"room for all", 10_000, nil},
		{"the oldest first", 6000, []string{"bin/old"}},
		{"then the next", 5000, []string{"bin/old", "layers/aa"}},
		{"nothing that was just used", 0, []string{"bin/old", "layers/aa", "overlay/c.json", "bin/used", "bin/used.size"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := cacheOf(t, now, files)
			if _, err := c.Prune(t.Context(), tt.limit, now.Add(-90*time.Minute)); err != nil {
				t.Fatal(err)
			}
			gone := map[string]bool{}
			for _, name := range tt.gone {
				gone[name] = true
			}
			for _, name := range []string{"bin/old", "bin/used", "bin/used.size", "bin/new", "layers/aa", "layers/bb", "overlay/c.json"} {
				_, err := os.Stat(filepath.Join(c.Dir, name))
				if os.IsNotExist(err) != gone[name] {
					t.Errorf("%s: %v, gone %t wanted", name, err, gone[name])
				}
			}
		})
	}
}

func TestUsage(t *testing.T) {
	c := cacheOf(t, time.Now(), map[string]int{"bin/a/app": 1, "layers/aa": 1, "layers/bb": 1, "layers/cc.json": 1, "verdicts/x": 1, "bases/y": 2})
	got, err := c.Usage()
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range got {
		want := map[string]Usage{"bin": {"bin", 1, 1000}, "layers": {"layers", 3, 3000}, "overlay": {"overlay", 0, 0}, "verdicts": {"verdicts", 1, 1000}, "bases": {"bases", 1, 1000}}[u.Kind]
		if u != want {
			t.Errorf("%+v, want %+v", u, want)
		}
	}
	if got, err := (Cache{filepath.Join(c.Dir, "none")}).Usage(); err != nil || len(got) != len(kinds) {
		t.Errorf("no cache yet: %v, %v", got, err)
	}
}

// TestABuildAfterAPrune finds nothing of its own left, and builds the same.
func TestABuildAfterAPrune(t *testing.T) {
	dir := tree(t, t.TempDir(), hello())
	o := options(t, dir)
	first := build(t, o, helloPlan(t, "amd64"))
	want, err := first.Images[0].Image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (Cache{o.CacheDir}).Prune(t.Context(), 0, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	again := build(t, o, helloPlan(t, "amd64"))
	if got, err := again.Images[0].Image.Digest(); err != nil || got != want {
		t.Errorf("after a prune: %s, %v, want %s", got, err, want)
	}
}

func TestVerdicts(t *testing.T) {
	c := Cache{t.TempDir()}
	if _, ok := c.Verdict("a"); ok {
		t.Error("an empty cache has a verdict")
	}
	if err := c.KeepVerdict("a", []byte("fine")); err != nil {
		t.Fatal(err)
	}
	if got, ok := c.Verdict("a"); !ok || string(got) != "fine" {
		t.Errorf("got %q, %t", got, ok)
	}
	if _, ok := c.Verdict("b"); ok {
		t.Error("another key has the verdict")
	}
}
