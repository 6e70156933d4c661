package hook

import (
	"debug/elf"
	"flag"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden anew")

// TestFile shows the whole file: whoever changes it changes the version, or every image.
func TestFile(t *testing.T) {
	for name, o := range map[string]Options{"once": {Percent: 85, NonGo: 1 << 20}, "again": {Percent: 90, Refresh: 30}, "lines": {Percent: 90, Godebug: "http2client=0,netdns=go"}} {
		got, golden := File(o), filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil || got != string(want) {
			t.Errorf("the file is not %s (%v):\n%s", golden, err, got)
		}
		if pretty, err := format.Source([]byte(got)); err != nil || string(pretty) != got {
			t.Errorf("gofmt would change it: %v", err)
		}
		if File(Options{Percent: 91}) == got || !strings.HasPrefix(Label(got), "v1 sha256:") {
			t.Error("other options give the same file, or it has no label")
		}
	}
}

func TestMarker(t *testing.T) {
	want := Options{Percent: 85, NonGo: 12, Refresh: 30}
	for _, godebug := range []string{"", "http2client=0,netdns=go+1"} {
		want.Godebug = godebug
		if got, err := ParseMarker(want.Marker() + "345;"); err != nil || got != want {
			t.Errorf("%+v, %v", got, err)
		}
	}
	for _, bad := range []string{
		"", MarkerStart, MarkerStart + "v1", MarkerStart + "v2 percent=85 high=95 nongo=0;", MarkerStart + "v1 percent=085 high=95 nongo=0 refresh=0;",
		MarkerStart + "v1 percent=85 high=96 nongo=0 refresh=0;", MarkerStart + "v1 percent=85 high=95 nongo=0", "x" + want.Marker(),
	} {
		if got, err := ParseMarker(bad); err == nil {
			t.Errorf("%q: %+v", bad, got)
		}
	}
}

// service is a small server, as most that are built.
const service = `package main

import (
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
)

var early = debug.SetMemoryLimit(-1)

func main() {
	if len(os.Args) > 1 {
		os.Stdout.WriteString(strconv.FormatInt(early, 10))
		return
	}
	http.ListenAndServe("", nil)
}
`

// build compiles the service with files beside it, stripped.
func build(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	all := map[string]string{"go.mod": "module example.com/service\n\ngo 1.25\n", "main.go": service}
	for name, data := range files {
		all[name] = data
	}
	for name, data := range all {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(dir, "service")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, ".")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return out
}

// TestInAService holds what the hook costs, and that it runs before the service's own
// variables are made. What the limit is, depends on the machine: it is never none if a limit
// is to be seen.
func TestInAService(t *testing.T) {
	content := File(Options{Percent: 90})
	plain, with := build(t, nil), build(t, map[string]string{FileName: content})
	if grown := size(t, with) - size(t, plain); grown <= 0 || grown >= 16<<10 {
		t.Errorf("the hook adds %d bytes; it must be there, and under 16 KiB", grown)
	}
	said := run(t, with, "PLIMSOLL_DEBUG=1", "GOMEMLIMIT=")
	if !strings.HasPrefix(said.err, Options{Percent: 90}.Marker()+" ") || strings.Count(said.err, "\n") != 1 {
		t.Errorf("it says %q", said.err)
	}
	if _, limit, ok := strings.Cut(said.err, "GOMEMLIMIT "); ok && strings.TrimSpace(limit) != said.out && !strings.Contains(said.err, "stays off") {
		t.Errorf("the service's variables saw the limit %s: %s", said.out, said.err)
	}
	for value, want := range map[string]string{"128MiB": "134217728", "off": "9223372036854775807"} {
		if said := run(t, with, "GOMEMLIMIT="+value); said.out != want || said.err != "" {
			t.Errorf("GOMEMLIMIT=%s: the limit is %s; %s", value, said.out, said.err)
		}
	}
	again := build(t, map[string]string{FileName: File(Options{Percent: 90, Refresh: 1})})
	if said := run(t, again, "GOMEMLIMIT=128MiB"); said.out != "134217728" || size(t, again)-size(t, plain) >= 16<<10 {
		t.Errorf("with refresh: the limit is %s, %d bytes more", said.out, size(t, again)-size(t, plain))
	}
	f, err := elf.Open(with)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := f.Section(".rodata").Data()
	if err != nil || !strings.Contains(string(data), (Options{Percent: 90}).Marker()) {
		t.Errorf("the marker is not in the binary: %v", err)
	}
}

type said struct{ out, err string }

func run(t *testing.T, program string, env ...string) said {
	t.Helper()
	var out, err strings.Builder
	cmd := exec.CommandContext(t.Context(), program, "show")
	cmd.Env, cmd.Stdout, cmd.Stderr = env, &out, &err
	if e := cmd.Run(); e != nil {
		t.Fatalf("%v\n%s", e, err.String())
	}
	return said{out.String(), err.String()}
}

func size(t testing.TB, name string) int64 {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
