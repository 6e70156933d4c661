// Package examples_test checks that each example is what it shows: a spec that
// parses, and modules of their own whose tests pass. Building them into images is
// the end-to-end tests' job.
package examples_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"

	"github.com/plimsoll-build/plimsoll/internal/spec"
)

// find lists the files below this directory whose names match the pattern.
func find(t *testing.T, pattern string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		ok, err := filepath.Match(pattern, d.Name())
		if ok && !d.IsDir() {
			found = append(found, path)
		}
		return err
	})
	if err != nil || len(found) == 0 {
		t.Fatalf("no file matches %s: %v", pattern, err)
	}
	return found
}

func TestSpecs(t *testing.T) {
	for _, file := range find(t, "plimsoll*.yaml") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(data), "# syntax=") {
			t.Errorf("%s: docker needs the syntax line, and reads it only if it is the first", file)
		}
		doc, err := spec.Parse(file, data)
		if err != nil {
			t.Error(err)
			continue
		}
		if _, warnings, err := doc.Resolve(spec.Overrides{}); err != nil || len(warnings) > 0 {
			t.Errorf("%s: %v, warnings %v", file, err, warnings)
		}
	}
}

func TestEveryExampleHasASpecAndAReadme(t *testing.T) {
	dirs, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	specs := strings.Join(find(t, "plimsoll*.yaml"), "\n")
	for _, d := range dirs {
		if !d.IsDir() {
			continue
		}
		if !strings.Contains(specs, d.Name()+string(filepath.Separator)) {
			t.Errorf("%s has no plimsoll.yaml", d.Name())
		}
		if _, err := os.Stat(filepath.Join(d.Name(), "README.md")); err != nil {
			t.Error(err)
		}
	}
}

// The runtime follows the CPU limit only in modules at go 1.25 or above, and the
// examples claim that it does.
func TestModules(t *testing.T) {
	for _, file := range find(t, "go.mod") {
		t.Run(filepath.ToSlash(filepath.Dir(file)), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			mod, err := modfile.Parse(file, data, nil)
			if err != nil || mod.Go == nil || mod.Go.Version < "1.25.0" {
				t.Fatalf("go line of %s: %v", file, err)
			}
			for _, args := range [][]string{{"vet", "./..."}, {"test", "./..."}} {
				cmd := exec.CommandContext(t.Context(), "go", args...)
				cmd.Dir = filepath.Dir(file)
				cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly")
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, out)
				}
			}
		})
	}
}
