package facts

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strings"
)

// stamps warns of variables that the linker's -X would set in vain: it says nothing of one that is
// not there, and the program sets others again when it starts (cmd/link, "-X importpath.name=value").
// Of a package that is not in a module of a main package nothing is known.
func (f *Facts) stamps(src fs.FS, q Query) {
	packages := map[string]*declarations{}
	for _, want := range q.Stamps {
		dot := max(strings.LastIndexByte(want.Name, '.'), 0)
		pkg, name := want.Name[:dot], strings.TrimPrefix(want.Name[dot:], ".")
		var found string
		for _, dir := range f.packageDirs(src, q, pkg) {
			if packages[dir] == nil {
				packages[dir] = declared(src, dir)
			}
			wrong := packages[dir].wrong(pkg, name, dir)
			if wrong == "" {
				found = ""
				break
			}
			found = cmp.Or(found, wrong)
		}
		if found != "" {
			f.Warnings = append(f.Warnings, Note{Path: want.Key, Rule: "stamp", Message: found})
		}
	}
}

// packageDirs are the directories that a package may be in: main is in each of the main packages'.
func (f *Facts) packageDirs(src fs.FS, q Query, pkg string) []string {
	var dirs []string
	for _, main := range q.Mains {
		m := f.Modules[main.Name]
		rest, below := strings.CutPrefix(pkg, m.Path)
		switch {
		case pkg == "main":
			dirs = append(dirs, path.Clean(main.Name))
		case m.Path == "" || !below || rest != "" && rest[0] != '/':
		default:
			dir := path.Join(m.Dir, rest)
			if at, ok, err := above(src, dir, "go.mod"); err == nil && ok && at == m.Dir {
				dirs = append(dirs, dir)
			}
		}
	}
	return dirs
}

// declarations are those of a package.
type declarations struct {
	name string // of the package; empty where nothing is known of it
	// values are those of the variables, nil for one without; computed are those that are made with
	// others, by a function.
	values              map[string]ast.Expr
	computed, constants map[string]bool
}

// declared reads all files of a package, whatever they are built for. What cannot be read, or is no
// Go, is for the compiler to say.
func declared(src fs.FS, dir string) *declarations {
	d := &declarations{values: map[string]ast.Expr{}, computed: map[string]bool{}, constants: map[string]bool{}}
	files, err := fs.ReadDir(src, dir)
	if err != nil {
		return d
	}
	var name string
	for _, f := range files {
		if path.Ext(f.Name()) != ".go" || strings.HasSuffix(f.Name(), "_test.go") || strings.HasPrefix(f.Name(), "_") || strings.HasPrefix(f.Name(), ".") {
			continue
		}
		data, err := fs.ReadFile(src, path.Join(dir, f.Name()))
		if err != nil {
			return d
		}
		file, err := parser.ParseFile(token.NewFileSet(), f.Name(), data, parser.SkipObjectResolution)
		if err != nil {
			return d
		}
		name = file.Name.Name
		for _, group := range file.Decls {
			if group, ok := group.(*ast.GenDecl); ok && (group.Tok == token.VAR || group.Tok == token.CONST) {
				d.add(group)
			}
		}
	}
	d.name = name
	return d
}

func (d *declarations) add(group *ast.GenDecl) {
	for _, s := range group.Specs {
		s := s.(*ast.ValueSpec)
		for i, n := range s.Names {
			switch {
			case group.Tok == token.CONST:
				d.constants[n.Name] = true
			case len(s.Values) == len(s.Names):
				d.values[n.Name] = s.Values[i]
			default:
				d.values[n.Name] = nil
				d.computed[n.Name] = len(s.Values) > 0
			}
		}
	}
}

// wrong says why the linker sets the variable of that package in vain, and what to do; empty where it
// does not, or says so itself.
func (d *declarations) wrong(pkg, name, dir string) string {
	value, variable := d.values[name]
	switch {
	case d.name == "":
		return ""
	case d.name == "main" && pkg != "main":
		return fmt.Sprintf("%s holds a main package, which has no other name to the linker: write main.%s", dir, name)
	case d.constants[name]:
		return fmt.Sprintf("%s is a constant in %s, and the linker sets nothing: declare var %s string", name, dir, name)
	case !variable:
		return fmt.Sprintf("there is no variable %s in %s, and the linker sets nothing: declare var %s string", name, dir, name)
	case d.computed[name] || d.computes(value):
		return fmt.Sprintf("%s in %s is made by a function or of other variables when the program starts, whatever the linker sets: declare var %s string", name, dir, name)
	}
	return ""
}

// computes reports whether the compiler does not know a value.
func (d *declarations) computes(value ast.Expr) (found bool) {
	if value == nil {
		return false
	}
	ast.Inspect(value, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			named, conversion := n.Fun.(*ast.Ident)
			found = found || !conversion || named.Name != "string"
		case *ast.Ident:
			_, variable := d.values[n.Name]
			found = found || variable
		}
		return !found
	})
	return found
}
