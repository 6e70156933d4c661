package service

import (
	"go/parser"
	"go/token"
	"maps"
	"path"
	"strings"
	"testing"
)

func TestFilesDependOnTheSeedOnly(t *testing.T) {
	if !maps.Equal(Files(Full), Files(Full)) {
		t.Error("two services of one seed differ")
	}
	other := Full
	other.Seed++
	if maps.Equal(Files(Full), Files(other)) {
		t.Error("the seed changes nothing")
	}
}

// TestFullService holds the numbers that the published figures are said to be of.
func TestFullService(t *testing.T) {
	packages, imported := map[string]bool{}, map[string]bool{}
	lines := 0
	for name, text := range Files(Full) {
		if path.Ext(name) != ".go" || strings.HasPrefix(name, "services/") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		packages[path.Dir(name)] = true
		lines += strings.Count(text, "\n")
		for _, i := range f.Imports {
			imported[strings.TrimPrefix(strings.Trim(i.Path.Value, `"`), Module+"/")] = true
		}
	}
	if len(packages) < 80 || lines < 30000 {
		t.Errorf("%d packages and %d lines", len(packages), lines)
	}
	for p := range packages {
		if p != Main && p != Second && !imported[p] {
			t.Errorf("nothing imports %s", p)
		}
	}
	for _, r := range requirements {
		used := false
		for i := range imported {
			used = used || strings.HasPrefix(i, r.Path)
		}
		if !used {
			t.Errorf("nothing imports a package of %s", r.Path)
		}
	}
}

func TestEditsChangeTheirFile(t *testing.T) {
	dir := t.TempDir()
	for _, e := range []Edit{InMain, InLeaf} {
		if err := Apply(t.Context(), dir, e, 3, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := Apply(t.Context(), dir, Edit("other"), 0, nil); err == nil {
		t.Error("an unknown edit is no error")
	}
	files := Files(Quick)
	for _, name := range []string{leaf, Main + "/edit.go"} {
		if files[name] == "" {
			t.Errorf("the service has no %s", name)
		}
	}
}
