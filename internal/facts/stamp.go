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

// stamps warns of variables that the linker's -X would set in vain: it says nothing of one that
// is not there (cmd/link, "-X importpath.name=value"). Packages that are not in a module of a main
// package are not looked at.
func (f *Facts) stamps(src fs.FS, q Query) {
	for _, want := range q.Stamps {
		dot := strings.LastIndexByte(want.Name, '.')
		pkg, name := want.Name[:dot], want.Name[dot+1:]
		var found string
		for _, dir := range f.packageDirs(q, pkg) {
			how := declared(src, dir, name)
			if how == settable {
				found = ""
				break
			}
			found = cmp.Or(found, fmt.Sprintf(how, name, dir))
		}
		if found != "" {
			f.Warnings = append(f.Warnings, Note{Path: want.Key, Rule: "stamp", Message: found + ": the linker sets package variables that are strings, declared as var " + name + " string, and is silent about others"})
		}
	}
}

// packageDirs are the directories that a package may be in: main is in each of the main packages'.
func (f *Facts) packageDirs(q Query, pkg string) []string {
	var dirs []string
	for _, main := range q.Mains {
		m := f.Modules[main.Name]
		switch {
		case pkg == "main":
			dirs = append(dirs, path.Clean(main.Name))
		case m.Path != "" && (pkg == m.Path || strings.HasPrefix(pkg, m.Path+"/")):
			dirs = append(dirs, path.Join(m.Dir, strings.TrimPrefix(pkg, m.Path)))
		}
	}
	return dirs
}

// How a package declares a name: a format of the name and the directory. What settable stands for
// the linker can set, or says itself why not.
const (
	settable = ""
	missed   = "there is no variable %s in %s"
	constant = "%s in %s is a constant"
	computed = "%s in %s is set by the program when it starts"
)

// declared looks at all files of a package, whatever they are built for. What cannot be read, or is
// no Go, is for the compiler to say.
func declared(src fs.FS, dir, name string) string {
	files, err := fs.ReadDir(src, dir)
	if err != nil {
		return settable
	}
	how := settable // without any file
	for _, f := range files {
		if path.Ext(f.Name()) != ".go" || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		data, err := fs.ReadFile(src, path.Join(dir, f.Name()))
		if err != nil {
			return settable
		}
		file, err := parser.ParseFile(token.NewFileSet(), f.Name(), data, parser.SkipObjectResolution)
		if err != nil {
			return settable
		}
		here := declaredIn(file, name)
		if how == settable || here != missed {
			how = here
		}
		if here == settable {
			break
		}
	}
	return how
}

func declaredIn(file *ast.File, name string) string {
	for _, d := range file.Decls {
		if how := declaredBy(d, name); how != missed {
			return how
		}
	}
	return missed
}

func declaredBy(d ast.Decl, name string) string {
	group, ok := d.(*ast.GenDecl)
	if !ok || group.Tok != token.VAR && group.Tok != token.CONST {
		return missed
	}
	for _, s := range group.Specs {
		values := s.(*ast.ValueSpec)
		for i, n := range values.Names {
			switch {
			case n.Name != name:
			case group.Tok == token.CONST:
				return constant
			case len(values.Values) == len(values.Names) && calls(values.Values[i]), len(values.Values) == 1 && len(values.Names) > 1:
				return computed
			default:
				return settable
			}
		}
	}
	return missed
}

// calls reports whether a value is not known when the program is compiled, since a function makes it.
func calls(value ast.Expr) (found bool) {
	ast.Inspect(value, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if ok {
			named, conversion := call.Fun.(*ast.Ident)
			found = found || !conversion || named.Name != "string"
		}
		return !found
	})
	return found
}
