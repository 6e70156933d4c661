package gotool

import (
	"archive/zip"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestSatisfies(t *testing.T) {
	for _, test := range []struct {
		host, want string
		exact, ok  bool
	}{
		{"1.26.8", "1.26.8", true, true},
		{"1.26.8", "1.26.7", true, false},
		{"1.26.8-corp", "1.26.8", true, false},
		{"1.26.8 X:nogreenteagc", "1.26.8", true, false},
		{"devel go1.27-3f1c2a Mon Jan 2", "1.27.0", true, false},
		{"1.26.8-corp", "1.26.8-corp", true, true},
		{"1.26.8", "1.26", false, true},
		{"1.26.8", "1.26.9", false, false},
		{"1.26.8", "1.25.0", false, true},
		{"1.26.8-corp", "1.26.8", false, true},
		{"1.26.8 X:nogreenteagc", "1.26", false, true},
		{"1.27rc1", "1.27.0", false, false},
		{"devel go1.27-3f1c2a Mon Jan 2", "1.26.9", false, true},
		{"devel +3f1c2a", "1.26", false, false},
	} {
		if got := (Tool{Version: test.host}).satisfies(test.want, test.exact); got != test.ok {
			t.Errorf("host %s, want %s, exact %v: %v", test.host, test.want, test.exact, got)
		}
	}
}

// toolchains serves releases of Go from the disk, as a module proxy does: each is
// a script that answers `go env`. Only a file proxy may do without the checksum database.
func toolchains(t *testing.T, versions ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "golang.org", "toolchain", "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var list strings.Builder
	for _, v := range versions {
		mod := fmt.Sprintf("v0.0.1-go%s.%s-%s", v, runtime.GOOS, runtime.GOARCH)
		fmt.Fprintln(&list, mod)
		script := "#!/bin/sh\necho \"$(cd \"$(dirname \"$0\")/..\" && pwd)\"\necho go" + v + "\n"
		write(t, filepath.Join(dir, mod+".mod"), "module golang.org/toolchain\n")
		write(t, filepath.Join(dir, mod+".info"), fmt.Sprintf(`{"Version":%q}`, mod))
		writeZip(t, filepath.Join(dir, mod+".zip"), "golang.org/toolchain@"+mod+"/", map[string]string{
			"bin/go": script, "go.mod": "module golang.org/toolchain\n", "VERSION": "go" + v + "\n", "pkg/tool/x": "", "lib/x": "", "bin/gofmt": "",
		})
	}
	write(t, filepath.Join(dir, "list"), list.String())
	return "file://" + filepath.Join(dir, "..", "..", "..")
}

func write(t *testing.T, file, data string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

func writeZip(t *testing.T, file, prefix string, files map[string]string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(f)
	for name, data := range files {
		entry, err := w.Create(prefix + name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(entry, data)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSatisfy(t *testing.T) {
	cache := t.TempDir()
	t.Cleanup(func() { // the module cache is read-only, which RemoveAll cannot take
		filepath.WalkDir(cache, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				return os.Chmod(path, 0o755)
			}
			return err
		})
	})
	proxy := toolchains(t, "1.98.1", "1.98.3", "1.98.10", "1.98rc2", "1.99rc1")
	environ := append(os.Environ(), "GOPROXY="+proxy, "GOSUMDB=off", "GOMODCACHE="+cache)
	tool, err := Find(t.Context(), environ)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		want    string
		exact   bool
		version string
		problem string
	}{
		{want: "1.21", version: tool.Version},
		{want: tool.Version, exact: true, version: tool.Version},
		{want: "1.98.3", exact: true, version: "1.98.3"},
		{want: "1.98", version: "1.98.10"},
		{want: "1.98.2", version: "1.98.10"},
		{want: "1.98.11", problem: "no release of go1.98 from 1.98.11 on"},
		{want: "1.99", problem: "no release of go1.99"},
		{want: "1.98.4", exact: true, problem: "fetching Go 1.98.4"},
		{want: "latest", exact: true, problem: "not a Go version"},
	} {
		t.Run(test.want, func(t *testing.T) {
			got, err := Satisfy(t.Context(), tool, test.want, test.exact)
			if test.problem != "" {
				if err == nil || !strings.Contains(err.Error(), test.problem) {
					t.Fatalf("error %v, want %q", err, test.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Version != test.version || len(got.Ambient) != len(tool.Ambient) {
				t.Errorf("got Go %s with %q, want %s", got.Version, got.Ambient, test.version)
			}
			if _, err := os.Stat(got.bin()); err != nil {
				t.Error(err)
			}
		})
	}
}
