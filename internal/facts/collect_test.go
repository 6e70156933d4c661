package facts

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/tools/txtar"
)

var linux = []ocispec.Platform{{OS: "linux", Architecture: "amd64"}}

// tree is a build context from a txtar archive.
func tree(t *testing.T, archive string) fstest.MapFS {
	t.Helper()
	fsys := fstest.MapFS{}
	for _, f := range txtar.Parse([]byte(archive)).Files {
		fsys[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
	}
	return fsys
}

const mainGo = "-- cmd/x/main.go --\npackage main\nfunc main() {}\n"

func TestModule(t *testing.T) {
	tests := []struct {
		name, archive, main string
		want                Module
	}{
		{
			name: "no requirements fetch nothing", main: "./cmd/x",
			archive: mainGo + "-- go.mod --\nmodule example.com/x\ngo 1.26\n",
			want:    Module{Path: "example.com/x", Dir: ".", GoLine: "1.26", Work: "off", Godebug: map[string]string{}},
		},
		{
			name: "requirements, toolchain and godebug", main: "cmd/x",
			archive: "-- cmd/x/main.go --\n//go:debug http2client=1\npackage main\nfunc main() {}\n" +
				"-- go.mod --\nmodule example.com/x\ngo 1.25.0\ntoolchain go1.26.8\ngodebug http2client=0\ngodebug panicnil=1\nrequire example.com/y v1.0.0\n-- go.sum --\n",
			want: Module{Path: "example.com/x", Dir: ".", GoLine: "1.25.0", Toolchain: "1.26.8", Work: "off",
				Godebug: map[string]string{"http2client": "1", "panicnil": "1"}, Directives: map[string]string{"http2client": "1"}, Files: []string{"go.mod", "go.sum"}},
		},
		{
			name: "no go line", main: "cmd/x",
			archive: mainGo + "-- go.mod --\nmodule example.com/x\n",
			want:    Module{Path: "example.com/x", Dir: ".", GoLine: "1.16", Work: "off", Godebug: map[string]string{}},
		},
		{
			name: "vendored", main: "cmd/x",
			archive: mainGo + "-- go.mod --\nmodule example.com/x\ngo 1.26\nrequire example.com/y v1.0.0\n-- vendor/modules.txt --\n",
			want:    Module{Path: "example.com/x", Dir: ".", GoLine: "1.26", Work: "off", Vendored: true, Godebug: map[string]string{}},
		},
		{
			name: "a replacement inside the context is followed and needs no fetch", main: "svc/cmd/x",
			archive: "-- svc/cmd/x/main.go --\npackage main\n-- svc/go.mod --\nmodule example.com/svc\ngo 1.26\nrequire example.com/lib v0.0.0\nreplace example.com/lib => ../lib\n" +
				"-- lib/go.mod --\nmodule example.com/lib\ngo 1.26\n",
			want: Module{Path: "example.com/svc", Dir: "svc", GoLine: "1.26", Work: "off", Godebug: map[string]string{}},
		},
		{
			name: "a workspace decides the go line and the files", main: "svc",
			archive: "-- svc/main.go --\npackage main\n-- svc/go.mod --\nmodule example.com/svc\ngo 1.26\nrequire example.com/y v1.0.0\n-- svc/go.sum --\n" +
				"-- lib/go.mod --\nmodule example.com/lib\ngo 1.26\n-- go.work --\ngo 1.24\nuse (\n./svc\n./lib\n)\n-- go.work.sum --\n",
			want: Module{Path: "example.com/svc", Dir: "svc", GoLine: "1.24", Work: "go.work", Godebug: map[string]string{},
				Files: []string{"go.work", "go.work.sum", "lib/go.mod", "svc/go.mod", "svc/go.sum"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Collect(tree(t, tt.archive), Query{Mains: []Want{{Name: tt.main, Key: "build.main"}}, Platforms: linux})
			if err != nil {
				t.Fatal(err)
			}
			tt.want.MainFiles = []string{"main.go"}
			if diff := cmp.Diff(tt.want, f.Modules[tt.main], cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestDirectives: what the main package sets is known of each platform.
func TestDirectives(t *testing.T) {
	const line, end = "//go:debug ", "\npackage main\n"
	archive := "-- go.mod --\nmodule example.com/x\ngo 1.26\n-- main.go --\n" + line + "panicnil=1" + end + "func main() {}\n" +
		"-- x_arm64.go --\n" + line + "netdns=go" + end + "-- y_amd64.go --\n" + line + "\thttp2client=0" + end + "-- y_arm64.go --\n" + line + "http2client=1" + end
	query := Query{Mains: []Want{{Name: ".", Key: "build.main"}}, Platforms: append(linux, ocispec.Platform{OS: "linux", Architecture: "arm64"})}
	f, err := Collect(tree(t, archive), query)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"panicnil": "1", "netdns": "", "http2client": ""}
	if diff := cmp.Diff(want, f.Modules["."].Directives); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"panicnil": "1", "http2client": "0"}, f.Modules["."].Godebug); diff != "" {
		t.Error("of the first platform:", diff)
	}
}

func TestProblems(t *testing.T) {
	const mod = "-- go.mod --\nmodule example.com/x\ngo 1.26\n"
	tests := []struct {
		name, archive, main string
		rule                string
	}{
		{"missing directory", mod, "cmd/y", "missing-main"},
		{"a file, not a directory", mainGo + mod, "cmd/x/main.go", "missing-main"},
		{"no Go files", mod + "-- cmd/x/README --\n", "cmd/x", "missing-main"},
		{"only files of another platform", mod + "-- cmd/x/main_windows.go --\npackage main\n", "cmd/x", "missing-main"},
		{"a library", mod + "-- cmd/x/x.go --\npackage x\n", "cmd/x", "not-main"},
		{"two packages", mod + "-- cmd/x/x.go --\npackage x\n-- cmd/x/y.go --\npackage y\n", "cmd/x", "missing-main"},
		{"cgo only", mod + "-- cmd/x/main.go --\npackage main\nimport \"C\"\nfunc main() {}\n", "cmd/x", "needs-cgo"},
		{"syntax error", mod + "-- cmd/x/main.go --\npackage\n", "cmd/x", "bad-source"},
		{"no module", mainGo, "cmd/x", "no-module"},
		{"broken go.mod", mainGo + "-- go.mod --\nmodul example.com/x\n", "cmd/x", "bad-go-mod"},
		{"replacement above the context", mainGo + mod + "replace example.com/l => ../l\n", "cmd/x", "outside-context"},
		{"absolute replacement", mainGo + mod + "replace example.com/l => /l\n", "cmd/x", "outside-context"},
		{"replacement that is not there", mainGo + mod + "replace example.com/l => ./l\n", "cmd/x", "no-module"},
		{"not in the workspace", mainGo + mod + "-- go.work --\ngo 1.26\nuse ./other\n-- other/go.mod --\nmodule o\n", "cmd/x", "not-in-workspace"},
		{"workspace above the context", mainGo + mod + "-- go.work --\ngo 1.26\nuse ../other\n", "cmd/x", "outside-context"},
		{"broken go.work", mainGo + mod + "-- go.work --\ngo go\n", "cmd/x", "bad-go-work"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Collect(tree(t, tt.archive), Query{Mains: []Want{{Name: tt.main, Key: "build.main"}}, Platforms: linux})
			found, ok := errors.AsType[Error](err)
			if !ok || len(found) != 1 || found[0].Rule != tt.rule || found[0].Path != "build.main" {
				t.Errorf("got %#v, want one problem %s at build.main", err, tt.rule)
			}
		})
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	q := Query{
		Mains:    []Want{{Name: "cmd/a", Key: "build.binaries[0].main"}, {Name: "cmd/b", Key: "build.binaries[1].main"}},
		Files:    []Want{{Name: "static", Key: "image.files[0].from"}},
		Contents: []Want{{Name: "corp.pem", Key: "image.caRoots[1]"}},
	}
	_, err := Collect(fstest.MapFS{}, q)
	found, _ := errors.AsType[Error](err)
	var paths []string
	for _, n := range found {
		paths = append(paths, n.Path)
	}
	want := []string{"build.binaries[0].main", "build.binaries[1].main", "image.files[0].from", "image.caRoots[1]"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Error(diff)
	}
}

// TestContextToUse names the directory to build in, as seen from the one given.
func TestContextToUse(t *testing.T) {
	for replace, want := range map[string]string{"../l": "the context .. ", "../../a/l": "the context ../.. ", "/abs": "absolute path"} {
		archive := mainGo + "-- go.mod --\nmodule example.com/x\nreplace example.com/l => " + replace + "\n"
		_, err := Collect(tree(t, archive), Query{Mains: []Want{{Name: "cmd/x"}}, Platforms: linux})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", replace, err, want)
		}
	}
}

// TestTagsAreABinarysOwn keeps one binary's tags from hiding the files of another.
func TestTagsAreABinarysOwn(t *testing.T) {
	archive := "-- go.mod --\nmodule example.com/x\n-- a/main.go --\n//go:build !special\n\npackage main\n-- b/main.go --\n//go:build special\n\npackage main\n"
	q := Query{Platforms: linux, Mains: []Want{{Name: "a"}, {Name: "b", Tags: []string{"special"}}}}
	if _, err := Collect(tree(t, archive), q); err != nil {
		t.Error(err)
	}
	q.Platforms = append(q.Platforms, ocispec.Platform{OS: "linux", Architecture: "arm64"})
	archive += "-- a/main_arm64.go --\npackage other\n"
	if _, err := Collect(tree(t, archive), q); err == nil {
		t.Error("a second platform's files are not looked at")
	}
}

func TestEntriesAndContents(t *testing.T) {
	fsys := fstest.MapFS{"static/a.txt": {Data: []byte("a")}, "corp.pem": {Data: []byte("pem")}}
	q := Query{Files: []Want{{Name: "./static"}, {Name: "corp.pem"}}, Contents: []Want{{Name: "./corp.pem"}}}
	f, err := Collect(fsys, q)
	if err != nil {
		t.Fatal(err)
	}
	if !f.Entries["./static"].Dir || f.Entries["corp.pem"].Dir || string(f.Contents["./corp.pem"]) != "pem" {
		t.Errorf("got %+v and %q", f.Entries, f.Contents)
	}
}

type resolver func(ref string, p ocispec.Platform) (Image, error)

func (r resolver) Resolve(_ context.Context, ref string, p ocispec.Platform) (Image, error) {
	return r(ref, p)
}

func TestBases(t *testing.T) {
	both := []ocispec.Platform{linux[0], {OS: "linux", Architecture: "arm64"}}
	query := Query{Base: Want{Name: "base"}, Platforms: both}
	var asked sync.WaitGroup
	asked.Add(len(both))
	bases, err := Bases(t.Context(), query, resolver(func(ref string, p ocispec.Platform) (Image, error) {
		asked.Done()
		asked.Wait() // a resolver that is asked for one after the other never answers
		return Image{Ref: "docker.io/library/" + ref, Config: []byte(p.Architecture)}, nil
	}))
	if err != nil || string(bases["linux/arm64"].Config) != "arm64" || bases["linux/amd64"].Ref != "docker.io/library/base" {
		t.Errorf("got %+v, %v", bases, err)
	}
	down := errors.New("registry down")
	_, err = Bases(t.Context(), query, resolver(func(_ string, p ocispec.Platform) (Image, error) {
		return Image{}, fmt.Errorf("%s: %w", p.Architecture, down)
	}))
	if !errors.Is(err, down) || !strings.Contains(err.Error(), "amd64") {
		t.Errorf("got %v, want the resolver's error for the first platform", err)
	}
	if bases, err := Bases(t.Context(), Query{Platforms: both}, nil); len(bases) > 0 || err != nil {
		t.Errorf("scratch: %v, %v", bases, err)
	}
}

// FuzzModule looks for inputs that make the reader panic or loop.
func FuzzModule(f *testing.F) {
	f.Add("module x\ngo 1.26\nreplace y => ./y\n", "go 1.26\nuse .\n", "package main\n")
	f.Fuzz(func(t *testing.T, mod, work, src string) {
		fsys := fstest.MapFS{"go.mod": {Data: []byte(mod)}, "main.go": {Data: []byte(src)}}
		if work != "" {
			fsys["go.work"] = &fstest.MapFile{Data: []byte(work)}
		}
		_, err := Collect(fsys, Query{Mains: []Want{{Name: "."}}, Platforms: linux})
		if _, ok := errors.AsType[Error](err); err != nil && !ok {
			t.Errorf("not a user's problem: %v", err)
		}
	})
}
