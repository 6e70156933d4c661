package internal

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// pure are the packages in which nothing may ask the clock.
var pure = []string{"plan", "spec", "tuning", "planner", "../llbgen"}

func TestNoClock(t *testing.T) {
	for _, dir := range pure {
		for file, f := range parseDir(t, dir) {
			ast.Inspect(f, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && sel.Sel.Name == "Now" {
						t.Errorf("%s asks the clock", file)
					}
				}
				return true
			})
		}
	}
}

func TestExportedNamesAreDocumented(t *testing.T) {
	for _, root := range []string{".", "../llbgen", "../frontend", "../cmd"} {
		_ = filepath.WalkDir(root, func(dir string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() || d.Name() == "testdata" {
				return err
			}
			documented := false
			files := parseDir(t, dir)
			for file, f := range files {
				documented = documented || f.Doc != nil
				for _, decl := range f.Decls {
					for _, name := range undocumented(decl) {
						t.Errorf("%s: exported %s has no comment", file, name)
					}
				}
			}
			if len(files) > 0 && !documented {
				t.Errorf("package %s has no comment", dir)
			}
			return nil
		})
	}
}

// Budgets of a file and of a function, in lines. A long test is a long table.
const (
	maxFile     = 300
	maxFunction = 80
)

func TestBudgets(t *testing.T) {
	for _, root := range []string{".", "../llbgen", "../frontend", "../cmd"} {
		_ = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.Name() == "testdata" || d.Name() == "tools" {
				return filepath.SkipDir
			}
			if !strings.HasSuffix(file, ".go") {
				return nil
			}
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			isTest := strings.HasSuffix(file, "_test.go")
			if n := fset.Position(f.End()).Line; n > maxFile && !isTest {
				t.Errorf("%s has %d lines, more than %d", file, n, maxFile)
			}
			for _, decl := range f.Decls {
				fn, ok := decl.(*ast.FuncDecl)
				if n := fset.Position(decl.End()).Line - fset.Position(decl.Pos()).Line + 1; ok && n > maxFunction && !isTest {
					t.Errorf("%s: %s has %d lines, more than %d", file, fn.Name.Name, n, maxFunction)
				}
			}
			return nil
		})
	}
}

func parseDir(t *testing.T, dir string) map[string]*ast.File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*ast.File{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = f
	}
	return files
}

// undocumented are the exported names of a declaration that no comment covers.
func undocumented(decl ast.Decl) []string {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
			return []string{d.Name.Name}
		}
	case *ast.GenDecl:
		var names []string
		for _, s := range d.Specs {
			names = append(names, undocumentedSpec(d, s)...)
		}
		return names
	}
	return nil
}

func undocumentedSpec(d *ast.GenDecl, s ast.Spec) []string {
	switch s := s.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
			return []string{s.Name.Name}
		}
	case *ast.ValueSpec:
		if s.Names[0].IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
			return []string{s.Names[0].Name}
		}
	}
	return nil
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	id, ok := typ.(*ast.Ident)
	return !ok || id.IsExported()
}
