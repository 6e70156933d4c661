package gosource

import (
	"bytes"
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
	"time"
)

// manyModules adds large modules to the comparison: minutes rather than seconds, and
// some hundreds of MB from the module proxy.
const manyModules = "PLIMSOLL_MANY_MODULES"

// real is a module to compare with the go command. Dir is in this checkout; else the
// module proxy has it.
type real struct {
	dir, module string
	packages    []string
	env         []string
	tags        []string
	large       bool
}

var reals = []real{
	{dir: "../..", packages: []string{"./cmd/plimsoll"}, env: []string{"GOOS=linux", "GOARCH=arm64"}},
	{dir: "../..", packages: []string{"./cmd/plimsoll-frontend"}, env: []string{"GOOS=linux", "GOARCH=amd64", "GOAMD64=v3"}},
	{module: "filippo.io/age@v1.2.1", packages: []string{"./cmd/age", "./cmd/age-keygen"}, env: []string{"GOOS=windows", "GOARCH=amd64"}},
	{module: "github.com/junegunn/fzf@v0.56.0", packages: []string{"."}, env: []string{"GOOS=linux", "GOARCH=386"}, tags: []string{"pprof"}},
	{module: "github.com/traefik/yaegi@v0.16.1", packages: []string{"./cmd/yaegi"}, env: []string{"GOOS=linux", "GOARCH=amd64"}},
	{module: "miniflux.app/v2@v2.2.3", packages: []string{"."}, env: []string{"GOOS=linux", "GOARCH=arm", "GOARM=6"}},
	{module: "golang.org/x/tools@v0.28.0", packages: []string{"./cmd/godoc", "./cmd/stringer"}, env: []string{"GOOS=darwin", "GOARCH=arm64"}, large: true},
	{module: "github.com/google/ko@v0.17.1", packages: []string{"."}, env: []string{"GOOS=linux", "GOARCH=riscv64"}, large: true},
	{module: "github.com/prometheus/alertmanager@v0.27.0", packages: []string{"./cmd/alertmanager", "./cmd/amtool"}, env: []string{"GOOS=linux", "GOARCH=amd64"}, large: true},
	{module: "github.com/caddyserver/caddy/v2@v2.8.4", packages: []string{"./cmd/caddy"}, env: []string{"GOOS=linux", "GOARCH=s390x"}, large: true},
	{module: "github.com/coredns/coredns@v1.12.0", packages: []string{"."}, env: []string{"GOOS=freebsd", "GOARCH=amd64"}, large: true},
	{module: "k8s.io/kube-state-metrics/v2@v2.14.0", packages: []string{"."}, env: []string{"GOOS=linux", "GOARCH=ppc64le"}, large: true},
	{module: "github.com/rclone/rclone@v1.68.2", packages: []string{"."}, env: []string{"GOOS=linux", "GOARCH=amd64"}, large: true},
}

// listed is what go list says of a package.
type listed struct {
	ImportPath, Dir                                                           string
	Standard                                                                  bool
	Module                                                                    *struct{ Main bool }
	GoFiles, CFiles, HFiles, SFiles, SysoFiles, EmbedFiles, CgoFiles, Imports []string
}

func TestAsGoList(t *testing.T) {
	for _, c := range reals {
		if c.large && os.Getenv(manyModules) == "" {
			continue
		}
		t.Run(strings.ReplaceAll(c.module+c.dir+" "+strings.Join(c.env, ","), "/", "_"), func(t *testing.T) { compare(t, c) })
	}
}

func compare(t *testing.T, c real) {
	dir, err := filepath.Abs(c.dir)
	if err != nil {
		t.Fatal(err)
	}
	if c.module != "" {
		dir = download(t, c.module)
	}
	before := time.Now()
	got, err := List(t.Context(), os.DirFS(dir), Request{
		Dir: ".", Packages: c.packages, Work: "off", Go: strings.TrimPrefix(runtime.Version(), "go"), Tags: c.tags, Env: c.env,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d own packages, %d files, %d direct imports in %v", len(got.Own), len(got.Files), len(got.Deps), time.Since(before))

	all := goList(t, dir, c, c.packages)
	want := Listing{Files: []string{"go.mod"}}
	if _, err := os.Stat(filepath.Join(dir, "go.sum")); err == nil {
		want.Files = append(want.Files, "go.sum")
	}
	own := map[string]bool{}
	for _, p := range all {
		own[p.ImportPath] = p.Module != nil && p.Module.Main
	}
	for _, p := range all {
		if !own[p.ImportPath] {
			continue
		}
		want.Own = append(want.Own, p.ImportPath)
		for _, f := range slices.Concat(p.GoFiles, p.CFiles, p.HFiles, p.SFiles, p.SysoFiles, p.EmbedFiles) {
			rel, err := filepath.Rel(dir, filepath.Join(p.Dir, f))
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

// closure checks that compiling the direct imports compiles every third-party package.
func closure(t *testing.T, dir string, c real, got Listing, all []listed) {
	compiled := map[string]bool{}
	for _, p := range goList(t, dir, c, slices.Concat(got.Deps, got.Std)) {
		compiled[p.ImportPath] = true
	}
	for _, p := range all {
		if !compiled[p.ImportPath] && !slices.Contains(got.Own, p.ImportPath) && (!p.Standard || !implied(p.ImportPath)) {
			t.Errorf("%s is needed, and no direct import leads to it", p.ImportPath)
		}
	}
}

// implied are standard packages that any link needs.
func implied(name string) bool { return name == "runtime" || strings.HasPrefix(name, "internal/") }

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
	args := []string{"list", "-deps", "-mod=mod", "-tags=" + strings.Join(c.tags, ","), "-json"}
	out := run(t, dir, append([]string{"CGO_ENABLED=0"}, c.env...), append(args, packages...)...)
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
