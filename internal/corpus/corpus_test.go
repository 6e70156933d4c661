package corpus

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Row names are directories and parts of references.
func TestRowNames(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range Rows() {
		if !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(row.Name) || seen[row.Name] || row.How == "" {
			t.Errorf("row %q (%s)", row.Name, row.How)
		}
		seen[row.Name] = true
	}
}

func scratchImage(t *testing.T) v1.Image {
	t.Helper()
	img, err := Scratch([]byte("program"), v1.Config{Labels: map[string]string{"a": "b"}, Env: []string{"GOGC=50", "X=1"}})
	check(t, err)
	return img
}

// stored is the image as a layout has it.
func stored(t *testing.T, dir string, img v1.Image) v1.Image {
	t.Helper()
	check(t, WriteLayout(dir, img))
	digest, err := img.Digest()
	check(t, err)
	p, err := layout.FromPath(dir)
	check(t, err)
	read, err := p.Image(digest)
	check(t, err)
	return read
}

// What is edited fits together again: digests, sizes and DiffIDs.
func TestEditedImagesAreValid(t *testing.T) {
	img := scratchImage(t)
	file, err := edited(img, "app", []byte("another program"))
	check(t, err)
	config, err := withConfig(img, func(c *v1.Config) { c.Labels["a"] = "c"; setEnv(c, "GOGC", "off") })
	check(t, err)
	for name, img := range map[string]v1.Image{"made": img, "file": file, "config": config} {
		if err := validate.Image(stored(t, filepath.Join(t.TempDir(), "l"), img)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	before, err := img.ConfigFile()
	check(t, err)
	after, err := config.ConfigFile()
	check(t, err)
	if before.Config.Labels["a"] != "b" || after.Config.Labels["a"] != "c" {
		t.Errorf("labels %v and %v", before.Config.Labels, after.Config.Labels)
	}
	if got := after.Config.Env; len(got) != 2 || got[1] != "GOGC=off" {
		t.Errorf("Env %v", got)
	}
	if _, err := edited(img, "no-such", nil); err == nil {
		t.Error("a file that is not there is edited")
	}
}

// A flipped byte is in the layout, and only there.
func TestFlipInLayer(t *testing.T) {
	dir, img := filepath.Join(t.TempDir(), "l"), scratchImage(t)
	read := stored(t, dir, img)
	check(t, validate.Image(read))
	check(t, flipInLayer(dir, img))
	if validate.Image(read) == nil {
		t.Error("the flipped layer is valid")
	}
}

func TestReplaced(t *testing.T) {
	if got, err := replaced([]byte("a=1 a=1"), "a=1", "a=0"); err != nil || string(got) != "a=0 a=0" {
		t.Errorf("%s, %v", got, err)
	}
	for _, with := range []string{"b", "bb"} {
		if _, err := replaced([]byte("nothing"), "a=1", with); err == nil {
			t.Errorf("%q replaces what is not there", with)
		}
	}
	if _, err := withoutSection([]byte("no ELF")); err == nil {
		t.Error("a section of what is no ELF file")
	}
}

// A layer keeps what its headers say.
func TestLayerEntries(t *testing.T) {
	l, err := layerOf(file("a", 0o4755, []byte("x")), entry{tar.Header{Typeflag: tar.TypeDir, Name: "d/", Mode: 0o755}, nil})
	check(t, err)
	entries, err := entriesOf(l)
	check(t, err)
	if len(entries) != 2 || entries[0].header.Mode != 0o4755 || !bytes.Equal(entries[0].content, []byte("x")) || entries[1].header.Typeflag != tar.TypeDir {
		t.Errorf("%+v", entries)
	}
}

// The cache is filled once, and not by half.
func TestCache(t *testing.T) {
	c, fills := Cache(t.TempDir()), 0
	fill := func(fail error) func(string) error {
		return func(dir string) error {
			fills++
			return errors.Join(fail, os.WriteFile(filepath.Join(dir, "f"), []byte("x"), 0o644))
		}
	}
	if _, err := c.once(t.Context(), "a/b", fill(errors.New("no network"))); err == nil {
		t.Error("a failed fill is kept")
	}
	for range 2 {
		dir, err := c.once(t.Context(), "a/b", fill(nil))
		check(t, err)
		if _, err := os.Stat(filepath.Join(dir, "f")); err != nil {
			t.Error(err)
		}
	}
	if fills != 2 {
		t.Errorf("filled %d times, want twice: the failed one and one", fills)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.GoTool(ctx, "example.com/no/such", "v1.0.0"); err == nil {
		t.Error("a cancelled install succeeds")
	}
}
