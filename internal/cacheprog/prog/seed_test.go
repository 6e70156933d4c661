package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

const packagesFile = "packages"

func sourcesOf(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := write(filepath.Join(dir, name), []byte(text), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func sketched(t *testing.T, dir, warm string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "sums")
	if err := stash(dir, warm, "svc", packagesFile, out); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestSketch holds that one edit in about sixteen changes the sketch: never is as bad as always.
func TestSketch(t *testing.T) {
	files := map[string]string{}
	for i := range 100 {
		files[fmt.Sprintf("p%d/p.go", i)] = fmt.Sprintf("package p%d\n", i)
	}
	dir, warm := sourcesOf(t, files), t.TempDir()
	last, changes := sketched(t, dir, warm), 0
	if again := sketched(t, dir, t.TempDir()); again != last || last == "" {
		t.Fatalf("the same sources have the sketches %q and %q", last, again)
	}
	const edits = 320
	for i := range edits {
		if err := os.WriteFile(filepath.Join(dir, "p7", "p.go"), fmt.Appendf(nil, "package p7\n\nconst X = %d\n", i), 0o600); err != nil {
			t.Fatal(err)
		}
		if next := sketched(t, dir, warm); next != last {
			last, changes = next, changes+1
		}
	}
	if changes < edits/40 || changes > edits/8 {
		t.Errorf("%d of %d edits changed the sketch", changes, edits)
	}
}

// TestSeed runs a command on what was stashed, which may differ from what is there now.
func TestSeed(t *testing.T) {
	warm, to := t.TempDir(), t.TempDir()
	dir := sourcesOf(t, map[string]string{"go.mod": "module m\n", "a/a.go": "package a\n", "a/text": "text"})
	if err := os.Symlink("text", filepath.Join(dir, "a", "link")); err != nil {
		t.Fatal(err)
	}
	sketch := filepath.Join(t.TempDir(), "sums")
	if err := write(sketch, []byte(sketched(t, dir, warm)), time.Now()); err != nil {
		t.Fatal(err)
	}
	seed := func(name, to, in string, argv ...string) error {
		return seeding{to: to, in: in, argv: argv}.run(warm, name, sketch)
	}
	if err := seed("svc", to, "a", "sh", "-c", "cat link > "+to+"/ran; exit 3"); err != nil {
		t.Fatalf("a failing command is not the seed's to report: %v", err)
	}
	if data, err := os.ReadFile(filepath.Join(to, "ran")); err != nil || string(data) != "text" {
		t.Errorf("the command saw %q, %v", data, err)
	}
	for _, name := range []string{"go.mod", "a/a.go"} {
		if info, err := os.Stat(filepath.Join(to, name)); err != nil || !info.ModTime().Equal(fixedTime) {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	to = t.TempDir()
	if err := seed("other", to, ".", "touch", to+"/ran"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(to + "/ran"); err == nil {
		t.Error("a command ran without sources")
	}
}

// TestSeedBelievesNothing: other builds write to the cache mount too.
func TestSeedBelievesNothing(t *testing.T) {
	for name, mode := range map[string]fs.FileMode{"../out": 0, "/out": 0, "a/../../out": 0, "link": fs.ModeSymlink} {
		h := zip.FileHeader{Name: name}
		h.SetMode(mode | 0o644)
		var archive bytes.Buffer
		w := zip.NewWriter(&archive)
		warm, above := t.TempDir(), t.TempDir()
		f, err := w.CreateHeader(&h)
		if err == nil {
			_, err = f.Write([]byte("/"))
		}
		if err := errors.Join(err, w.Close(), write(stashFile(warm, "svc", nil), archive.Bytes(), time.Now())); err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(above, "to")
		sketch := filepath.Join(t.TempDir(), "sums")
		if err := write(sketch, nil, time.Now()); err != nil {
			t.Fatal(err)
		}
		if err := (seeding{to: to, in: ".", argv: []string{"touch", above + "/ran"}}).run(warm, "svc", sketch); err != nil {
			t.Fatal(err)
		}
		if entries, err := os.ReadDir(above); err != nil || len(entries) > 0 {
			t.Errorf("%q: %v, %v", name, entries, err)
		}
	}
}

// TestSketchOfModules holds that a bumped module changes the sketch about as often as an edited
// file, and that the packages to compile come from what was stashed.
func TestSketchOfModules(t *testing.T) {
	mod := func(bumped int) string {
		text := "module example.com/m\n\ngo 1.26\n\nrequire (\n"
		for i := range 60 {
			version := 0
			if i == 7 {
				version = bumped
			}
			text += fmt.Sprintf("\texample.com/m%d v1.%d.0\n", i, version)
		}
		return text + ")\n"
	}
	warm, last, changes := t.TempDir(), "", 0
	const bumps = 320
	for i := range bumps {
		dir := sourcesOf(t, map[string]string{"go.mod": mod(i), "go.sum": fmt.Sprint(i), packagesFile: "a\nb/c\n"})
		if next := sketched(t, dir, warm); next != last {
			last, changes = next, changes+1
		}
	}
	if changes < bumps/40 || changes > bumps/8 {
		t.Errorf("%d of %d bumps changed the sketch", changes, bumps)
	}
	if next := sketched(t, sourcesOf(t, map[string]string{"go.mod": mod(bumps - 1), packagesFile: "a\nb/c\n-x\nd\n"}), warm); next != last {
		t.Error("an import more changed the sketch")
	}

	sketch, to := filepath.Join(t.TempDir(), "sums"), t.TempDir()
	if err := write(sketch, []byte(last), time.Now()); err != nil {
		t.Fatal(err)
	}
	s := seeding{to: to, in: ".", more: packagesFile, argv: []string{"sh", "-c", `printf '%s,' "$@" > ran`, "sh", "x"}}
	if err := s.run(warm, "svc", sketch); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(to, "ran")); err != nil || string(data) != "x,a,b/c,d," {
		t.Errorf("the command had the arguments %q, %v", data, err)
	}
}

// TestSketchTellsModulesApart is of services with so few requirements that none is in a sketch.
func TestSketchTellsModulesApart(t *testing.T) {
	seen := map[string]string{}
	for _, text := range []string{"module a\n\ngo 1.26\n", "module b\n\ngo 1.26\n", "module\t\"c\"\n"} {
		sketch := sketched(t, sourcesOf(t, map[string]string{"go.mod": text}), t.TempDir())
		if other, ok := seen[sketch]; ok {
			t.Errorf("%q and %q have the same sketch", text, other)
		}
		seen[sketch] = text
	}
}

// TestRenew holds that what an earlier build left cannot make a command fail for good.
func TestRenew(t *testing.T) {
	dir := t.TempDir()
	script := []string{"sh", "-c", "test ! -e " + dir + "/old/file && touch " + dir + "/new || { echo verifying: " + mismatch + " >&2; false; }"}
	if err := renew(dir, []string{"false"}); err == nil {
		t.Error("a command that fails on an empty directory is taken for good")
	}
	if err := write(filepath.Join(dir, "old", "file"), nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := renew(dir, []string{"sh", "-c", "echo no network >&2; false"}); err == nil {
		t.Error("a command that fails is taken for good")
	}
	if _, err := os.Stat(filepath.Join(dir, "old", "file")); err != nil {
		t.Errorf("what was fetched is gone for an error that it has nothing to do with: %v", err)
	}
	if err := renew(dir, script); err != nil {
		t.Error(err)
	}
	if err := renew(dir, script); err != nil { // it stays where it helps
		t.Error(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 || entries[0].Name() != "new" {
		t.Errorf("%v, %v", entries, err)
	}
}

// TestSettleLeavesIndexesOut holds that a cache that is not keyed by the modules has no index
// of them.
func TestSettleLeavesIndexesOut(t *testing.T) {
	for _, keyed := range []bool{true, false} {
		dir := t.TempDir()
		for name, text := range map[string]string{"00/index-d": indexMagic + "2\n", "00/object-d": "go object", "00/short-d": "go"} {
			if err := write(filepath.Join(dir, name), []byte(text), time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if err := settle(dir, keyed); err != nil {
			t.Fatal(err)
		}
		left, err := filepath.Glob(filepath.Join(dir, "00", "*"))
		if want := map[bool]int{true: 3, false: 2}[keyed]; err != nil || len(left) != want {
			t.Errorf("keyed %t: %q, %v", keyed, left, err)
		}
	}
}
