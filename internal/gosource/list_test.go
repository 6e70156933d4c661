package gosource

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// files makes a file system of lines "path: content"; "path -> target" is a link.
func files(lines ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for _, line := range lines {
		if name, to, ok := strings.Cut(line, " -> "); ok {
			m[name] = &fstest.MapFile{Data: []byte(to), Mode: fs.ModeSymlink | 0o777}
			continue
		}
		name, data, _ := strings.Cut(line, ": ")
		m[name] = &fstest.MapFile{Data: []byte(data), Mode: 0o644}
	}
	return m
}

const goMod = "go.mod: module ex.com/m\ngo 1.26\n"

var env = []string{"GOOS=linux", "GOARCH=amd64", "GOAMD64=v2"}

type listTest struct {
	name string
	src  fstest.MapFS
	r    Request
	want Listing
	fail string // what the error names
}

var listTests = []listTest{
	{name: "constraints", src: files(goMod, "main.go: package main\nimport (_ \"fmt\"; _ \"ex.com/m/a\"; _ \"other.org/x\")",
		"a/a_windows.go: package a\nimport \"os\"", "a/a_linux.go: package a", "a/a_test.go: package a\nimport \"testing\"",
		"a/c.go: package a\nimport \"C\"", "a/new.go: //go:build go1.27\npackage a", "a/v2.go: //go:build amd64.v2 && mine\npackage a",
		"a/v3.go: //go:build amd64.v3\npackage a", "a/exp.go: //go:build goexperiment.greenteagc\npackage a", "b/b.go: package b"),
		r: Request{Tags: []string{"mine"}},
		want: Listing{Own: []string{"ex.com/m/a", "ex.com/m"}, Deps: []string{"other.org/x"}, Std: []string{"fmt"},
			Files: []string{"a/a_linux.go", "a/exp.go", "a/v2.go", "go.mod", "main.go"}}},
	{name: "embed", src: files(goMod, "main.go: package main\nimport _ \"embed\"\n//go:embed d all:e *.txt\nvar x string",
		"d/1: ", "d/.h: ", "d/_u: ", "d/n/go.mod: module n", "d/n/2: ", "d/s/3: ", "e/.h: ", "e/.git/x: ", "a.txt: ", "b.md: "),
		want: Listing{Own: []string{"ex.com/m"}, Std: []string{"embed"}, Files: []string{"a.txt", "d/1", "d/s/3", "e/.h", "go.mod", "main.go"}}},
	{name: "assembly", src: files(goMod, "main.go: package main", "a.s: #include \"x.inc\"\n#include \"textflag.h\"", "x.inc: ", "y.inc: ", "z_amd64.syso: "),
		want: Listing{Own: []string{"ex.com/m"}, Files: []string{"a.s", "go.mod", "main.go", "x.inc", "z_amd64.syso"}}},
	{name: "profile", src: files(goMod, "main.go: package main", "default.pgo: p"),
		want: Listing{Own: []string{"ex.com/m"}, Files: []string{"default.pgo", "go.mod", "main.go"}, Profile: "default.pgo", Profiles: []string{"default.pgo"}}},
	{name: "replaced", src: files("svc/go.mod: module ex.com/m\nrequire ex.com/lib v0.0.0\nreplace ex.com/lib => ../lib\n", "svc/go.sum: ",
		"svc/main.go: package main\nimport _ \"ex.com/lib/p\"", "lib/go.mod: module ex.com/lib", "lib/p/p.go: package p", "lib/q/q.go: package q"),
		r: Request{Dir: "svc"}, want: Listing{Own: []string{"ex.com/lib/p", "ex.com/m"}, Replaced: []string{"lib"},
			Files: []string{"lib/go.mod", "lib/p/p.go", "svc/go.mod", "svc/go.sum", "svc/main.go"}}},
	{name: "workspace", src: files("go.work: go 1.26\nuse (\n./a\n./b\n./c\n)\n", "go.work.sum: ", "a/go.mod: module ex.com/a", "b/go.mod: module ex.com/b", "c/go.mod: module ex.com/c",
		"a/main.go: package main\nimport _ \"ex.com/b\"", "b/b.go: package b", "c/c.go: package c"),
		r: Request{Dir: "a", Work: "go.work"}, want: Listing{Own: []string{"ex.com/b", "ex.com/a"},
			Files: []string{"a/go.mod", "a/main.go", "b/b.go", "b/go.mod", "c/go.mod", "go.work", "go.work.sum"}}},
	{name: "vendored", src: files(goMod, "main.go: package main\nimport _ \"other.org/x\"", "vendor/modules.txt: ", "vendor/other.org/x/x.go: package x\nimport _ \"other.org/y\"",
		"vendor/other.org/y/y.go: package y\nimport \"os\"", "vendor/other.org/z/z.go: package z"),
		r: Request{Vendored: true}, want: Listing{Own: []string{"ex.com/m"}, Deps: []string{"other.org/x"}, Files: []string{"go.mod", "main.go"},
			Vendor: []string{"vendor/modules.txt", "vendor/other.org/x/x.go", "vendor/other.org/y/y.go"}}},
	{name: "link", src: files(goMod, "main.go: package main\nimport _ \"ex.com/m/a\"", "a -> real/a", "real/a/a.go: package a"),
		want: Listing{Own: []string{"ex.com/m/a", "ex.com/m"}, Files: []string{"go.mod", "main.go", "real/a/a.go"}, Symlinks: []string{"a"}}},
	{name: "nested module", src: files(goMod, "main.go: package main\nimport _ \"ex.com/m/n\"", "n/go.mod: module ex.com/m/n", "n/n.go: package n"), fail: "ex.com/m/n"},
	{name: "link out", src: files(goMod, "main.go -> ../x.go"), fail: "main.go"},
	{name: "link loop", src: files(goMod, "main.go -> a.go", "a.go -> main.go"), fail: "may lead to itself"},
	{name: "no match", src: files(goMod, "main.go: package main\nimport _ \"embed\"\n//go:embed nothing\nvar x string"), fail: "nothing"},
	{name: "embedded link", src: files(goMod, "main.go: package main\nimport _ \"embed\"\n//go:embed l\nvar x string", "l -> go.mod"), fail: "irregular"},
	{name: "syntax", src: files(goMod, "main.go: package main\nimport 7"), fail: "main.go"},
	{name: "no module", src: files("main.go: package main"), fail: "go.mod"},
	{name: "bad go.mod", src: files("go.mod: modul x", "main.go: package main"), fail: "go.mod"},
	{name: "replaced outside", src: files("go.mod: module ex.com/m\nrequire a.b/c v0.0.0\nreplace a.b/c => ../../x\n", "main.go: package main"), fail: "a.b/c"},
	{name: "outside", src: files(goMod), r: Request{Packages: []string{"../x"}}, fail: "../x"},
}

func TestList(t *testing.T) {
	for _, c := range slices.Concat(listTests, rulesTests()) {
		t.Run(c.name, func(t *testing.T) {
			got, err := List(t.Context(), c.src, complete(c.r))
			if c.fail != "" {
				if err == nil || !strings.Contains(err.Error(), c.fail) {
					t.Fatalf("got %v, want an error that names %s", err, c.fail)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

// unsent is a tree in which one file cannot be read.
type unsent struct {
	fs.FS
	name string
}

func (u unsent) ReadFile(name string) ([]byte, error) {
	if name == u.name {
		return nil, errors.New("not sent")
	}
	return fs.ReadFile(u.FS, name)
}

// TestUnread holds that what cannot be read is an error: go/build leaves assembly out then.
func TestUnread(t *testing.T) {
	src := files(goMod, "main.go: package main", "a_amd64.s: #include \"b.inc\"", "b.inc: ", "c.h: ")
	for _, name := range []string{"main.go", "a_amd64.s", "b.inc", "c.h"} {
		if got, err := List(t.Context(), unsent{src, name}, complete(Request{})); err == nil || !strings.Contains(err.Error(), "not sent") {
			t.Errorf("without %s: %v, %v", name, got, err)
		}
	}
}

func complete(r Request) Request {
	r.Go = cmp.Or(r.Go, "1.26.8")
	if r.Env == nil {
		r.Env = env
	}
	if r.Dir == "" {
		r.Dir = "."
	}
	if r.Work == "" {
		r.Work = "off"
	}
	if r.Packages == nil {
		r.Packages = []string{"."}
	}
	return r
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := List(ctx, listTests[0].src, complete(Request{})); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the cancellation", err)
	}
}
