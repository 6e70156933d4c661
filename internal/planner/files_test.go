package planner

import (
	"errors"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plimsoll-build/plimsoll/internal/facts"
	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

func TestFileProblems(t *testing.T) {
	tests := []struct{ name, yaml, rule string }{
		{"a file on the binary", "build: {main: cmd/x}\nimage: {files: [{from: a.txt, to: /x/a}]}", "path-below-file"},
		{"a file twice", "image: {files: [{from: a.txt, to: /v}], volumes: [/v]}", "path-twice"},
		{"below a link of a base", "image: {base: base, files: [{from: a.txt, to: /bin/a}]}", "linked-directory"},
		{"roots that are none", "image: {caRoots: [a.pem]}", "ca-roots"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Plan(service(t, tt.yaml), world(), Options{Platforms: []ocispec.Platform{amd64}})
			if found, _ := errors.AsType[Error](err); !hasRule(found, tt.rule) {
				t.Errorf("got %v, want a problem %s", err, tt.rule)
			}
		})
	}
}

// TestDirectoriesMeet has several reasons for one directory, which is the user's.
func TestDirectoriesMeet(t *testing.T) {
	p, _ := one(t, "image: {user: 1000, workdir: /home/nonroot, volumes: [/data], files: [{from: static, to: /data}]}\n", world())
	found := map[string]plan.File{}
	for _, l := range p.Layers {
		for _, f := range l.Files {
			found[f.Path] = f
		}
	}
	if f := found["/data"]; f.Source.Tree != "static" || f.UID != 1000 || f.GID != 1000 {
		t.Errorf("a tree onto a volume: %+v", f)
	}
	if f := found["/home/nonroot"]; !f.Source.Dir || f.UID != 1000 || f.Mode != 0o700 {
		t.Errorf("the working directory: %+v", f)
	}
}

// TestBinariesOfOneImage are of one module, and each is what the labels say of all.
func TestBinariesOfOneImage(t *testing.T) {
	const yaml = "build: {binaries: [{main: ./cmd/x}, {main: ./cmd/y}]}\n"
	second := func(edit func(*facts.Module)) facts.Facts {
		return world(func(f *facts.Facts) {
			m := f.Modules["cmd/y"]
			edit(&m)
			f.Modules["cmd/y"] = m
		})
	}
	other := second(func(m *facts.Module) { m.Dir = "other" })
	_, err := Plan(service(t, yaml), other, Options{Platforms: []ocispec.Platform{amd64}})
	if found, _ := errors.AsType[Error](err); !hasRule(found, "two-modules") {
		t.Errorf("two modules: %v", err)
	}
	off := second(func(m *facts.Module) { m.Godebug = map[string]string{"containermaxprocs": "0"} })
	if p, _ := one(t, yaml, off); p.Config.Config.Labels[tuning.LabelMaxProcs] != procsDefault {
		t.Errorf("the second binary does not follow the limit: %v", p.Config.Config.Labels)
	}
}

// TestEntrypoint is a labelled binary, first among them, by its path.
func TestEntrypoint(t *testing.T) {
	const binaries = "build: {binaries: [{main: ./cmd/x}, {main: ./cmd/y}]}\nimage: {entrypoint: [%s]}\n"
	p, _ := one(t, strings.Replace(binaries, "%s", "/y", 1), world())
	if got := p.Config.Config.Labels[tuning.LabelBinaries]; got != "/y,/x" {
		t.Errorf("binaries %q", got)
	}
	_, err := Plan(service(t, strings.Replace(binaries, "%s", "y", 1)), world(), Options{Platforms: []ocispec.Platform{amd64}})
	if found, _ := errors.AsType[Error](err); !hasRule(found, "entrypoint") {
		t.Errorf("a name instead of a path: %v", err)
	}
	_, warnings := one(t, "image: {user: 0}\n", world())
	if !hasRule(warnings, "root") {
		t.Errorf("root: %v", warnings)
	}
}
