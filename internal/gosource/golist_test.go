package gosource

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// manyModules adds large modules to the comparison: minutes rather than seconds, and
// some hundreds of MB from the module proxy.
const manyModules = "PLIMSOLL_MANY_MODULES"

// real is a module to compare with the go command. It is in this checkout if only dir is
// set; or the module proxy has it; or it is generated, and dir is within the files.
type real struct {
	name, dir, module string
	files             fstest.MapFS
	within            string // the module directory below a dir of this checkout
	work              string // go.work of the tree, if any
	vendored          bool
	packages          []string
	env               []string
	tags              []string
	large             bool
}

var reals = []real{
	{dir: "../..", packages: []string{"./cmd/plimsoll-frontend"}, env: []string{"GOOS=linux", "GOARCH=amd64", "GOAMD64=v3"}},
	{dir: "../../examples/hello", packages: []string{"."}, env: []string{"GOOS=linux", "GOARCH=amd64"}},
	{dir: "../../examples/api", packages: []string{"./cmd/api", "./cmd/migrate"}, env: []string{"GOOS=linux", "GOARCH=arm64"}},
	{dir: "../../examples/workspace", within: "services/billing", work: "go.work", packages: []string{"."}, env: []string{"GOOS=linux", "GOARCH=amd64"}},
	{module: "filippo.io/age@v1.2.1", packages: []string{"./cmd/age", "./cmd/age-keygen"}, env: []string{"GOOS=windows", "GOARCH=amd64"}},
	{module: "github.com/junegunn/fzf@v0.56.0", packages: []string{"."}, env: []string{"GOOS=linux", "GOARCH=386"}, tags: []string{"pprof"}},
	{module: "github.com/traefik/yaegi@v0.16.1", packages: []string{"./cmd/yaegi"}, env: []string{"GOOS=linux", "GOARCH=amd64"}},
	{module: "miniflux.app/v2@v2.2.3", packages: []string{"."}, env: []string{"GOOS=linux", "GOARCH=arm", "GOARM=6"}, large: true},
	{module: "golang.org/x/tools@v0.28.0", packages: []string{"./cmd/godoc", "./cmd/stringer"}, env: []string{"GOOS=darwin", "GOARCH=arm64"}, large: true},
	{module: "github.com/google/ko@v0.17.1", packages: []string{"."}, env: []string{"GOOS=linux", "GOARCH=riscv64"}, large: true},
	{module: "github.com/prometheus/alertmanager@v0.27.0", packages: []string{"./cmd/alertmanager", "./cmd/amtool"}, env: []string{"GOOS=linux", "GOARCH=amd64"}, large: true},
	{module: "github.com/caddyserver/caddy/v2@v2.8.4", packages: []string{"./cmd/caddy"}, env: []string{"GOOS=linux", "GOARCH=s390x"}, large: true},
	{module: "github.com/coredns/coredns@v1.12.0", packages: []string{"."}, env: []string{"GOOS=freebsd", "GOARCH=amd64"}, large: true},
	{module: "github.com/rclone/rclone@v1.68.2", packages: []string{"."}, env: []string{"GOOS=linux", "GOARCH=amd64"}, large: true},
}

// listed is what go list says of a package.
type listed struct {
	ImportPath, Dir string
	Standard        bool
	Module          *struct {
		Main    bool
		Replace *struct{ Version string }
	}
	GoFiles, CFiles, HFiles, SFiles, SysoFiles, EmbedFiles, CgoFiles, Imports []string
}

func TestAsGoList(t *testing.T) {
	for _, c := range slices.Concat(reals, generated()) {
		if c.large && os.Getenv(manyModules) == "" {
			continue
		}
		t.Run(strings.ReplaceAll(cmp.Or(c.name, c.module+c.dir)+" "+strings.Join(c.env, ","), "/", "_"), func(t *testing.T) {
			t.Parallel() // it waits for the go command, mostly
			compare(t, c)
		})
	}
}

func compare(t *testing.T, c real) {
	dir, err := filepath.Abs(c.dir)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case c.module != "":
		dir, c.dir = download(t, c.module), "."
	case c.files != nil:
		dir = t.TempDir()
		if err := os.CopyFS(dir, c.files); err != nil {
			t.Fatal(err)
		}
	default:
		c.dir = cmp.Or(c.within, ".")
	}
	root := dir
	dir = filepath.Join(root, c.dir)
	if c.vendored {
		run(t, dir, nil, "mod", "vendor")
	}
	before := time.Now()
	got, err := List(t.Context(), os.DirFS(root), Request{
		Dir: c.dir, Packages: c.packages, Work: cmp.Or(c.work, "off"), Vendored: c.vendored, Go: strings.TrimPrefix(runtime.Version(), "go"), Tags: c.tags, Env: c.env,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d own packages, %d files, %d direct imports in %v", len(got.Own), len(got.Files), len(got.Deps), time.Since(before))

	all := goList(t, dir, c, c.packages)
	// go list does not name these; that they are all, TestList says.
	want := Listing{Files: slices.DeleteFunc(slices.Clone(got.Files), func(f string) bool {
		return !strings.HasPrefix(filepath.Base(f), "go.") && filepath.Base(f) != "default.pgo"
	})}
	own := map[string]bool{}
	for _, p := range all {
		own[p.ImportPath] = p.Module != nil && (p.Module.Main || p.Module.Replace != nil && p.Module.Replace.Version == "")
	}
	for _, p := range all {
		if !own[p.ImportPath] {
			continue
		}
		want.Own = append(want.Own, p.ImportPath)
		for _, f := range slices.Concat(p.GoFiles, p.CFiles, p.HFiles, p.SFiles, p.SysoFiles, p.EmbedFiles) {
			rel, err := filepath.Rel(root, filepath.Join(p.Dir, f))
			if err != nil {
				t.Fatal(err)
			}
			want.Files = append(want.Files, filepath.ToSlash(rel))
		}
		for _, name := range p.Imports {
			if i := slices.IndexFunc(all, func(q listed) bool { return q.ImportPath == name }); i < 0 || own[name] {
				continue
			} else if all[i].Standard {
				want.Std = append(want.Std, name)
			} else {
				want.Deps = append(want.Deps, name)
			}
		}
	}
	same(t, "own packages", sorted(slices.Clone(got.Own)), sorted(want.Own))
	same(t, "files", got.Files, sorted(want.Files))
	same(t, "third-party imports", got.Deps, sorted(want.Deps))
	same(t, "standard imports", got.Std, sorted(want.Std))
	closure(t, dir, c, got, all)
}

// closure checks that compiling the direct imports compiles every package that is not
// own, and no other. Only runtime is added: each program links it, whatever it imports.
func closure(t *testing.T, dir string, c real, got Listing, all []listed) {
	compiled, want := slices.Clone(got.Own), []string{}
	for _, p := range goList(t, dir, c, slices.Concat(got.Deps, got.Std, []string{"runtime"})) {
		compiled = append(compiled, p.ImportPath)
	}
	for _, p := range all {
		want = append(want, p.ImportPath)
	}
	same(t, "closure", sorted(compiled), want)
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	for _, s := range got {
		if !slices.Contains(want, s) {
			t.Errorf("%s: %s is listed, and go list does not have it", what, s)
		}
	}
	for _, s := range want {
		if !slices.Contains(got, s) {
			t.Errorf("%s: %s is missing", what, s)
		}
	}
}

func goList(t *testing.T, dir string, c real, packages []string) []listed {
	t.Helper()
	args := []string{"list", "-deps", "-tags=" + strings.Join(c.tags, ","), "-json"}
	more := []string{"CGO_ENABLED=0"}
	switch {
	case c.work != "":
		more = append(more, "GOWORK=")
	case c.vendored:
		more = append(more, "GOFLAGS=-mod=vendor")
	default:
		more = append(more, "GOFLAGS=-mod=mod")
	}
	out := run(t, dir, append(more, c.env...), append(args, packages...)...)
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// download is a writable copy of a module of the proxy, since the go command refuses to
// take the module cache for a main module.
func download(t *testing.T, module string) string {
	t.Helper()
	var m struct{ Dir string }
	if err := json.Unmarshal(run(t, t.TempDir(), nil, "mod", "download", "-json", module), &m); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(m.Dir)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func run(t *testing.T, dir string, env []string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "GOWORK=off", "GOFLAGS=", "GOTOOLCHAIN=local"), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	return out
}
