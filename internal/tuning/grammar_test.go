package tuning

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// probe prints what the runtime made of its variables.
const probe = `package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

func main() {
	fmt.Println(debug.SetMemoryLimit(-1), debug.SetGCPercent(100), runtime.GOMAXPROCS(0))
}
`

// TestGrammarsAreTheRuntimes runs a real Go program under each value and compares
// what the runtime made of it with what we say it makes.
func TestGrammarsAreTheRuntimes(t *testing.T) {
	bin := buildProbe(t)
	_, _, automatic, ok := run(t, bin, "PROBE=1")
	if !ok {
		t.Fatal("the probe does not run")
	}
	for _, v := range []string{"", "off", "0", "1", "123456", "+7", "7B", "512MiB", "1KiB", "2GiB", "1TiB", "1G", "512M", "512Mi", "100MB",
		"1.5GiB", " 1GiB", "1GiB ", "-1", "9223372036854775808", "8388608TiB", "GiB", "B", "iB", "0x1", "1_0", "OFF"} {
		want, err := ParseMemLimit(v)
		got, _, _, ran := run(t, bin, "GOMEMLIMIT="+v)
		if ran != (err == nil) || (ran && got != want) {
			t.Errorf("GOMEMLIMIT=%q: the runtime has %d, %t; we say %d, %v", v, got, ran, want, err)
		}
	}
	for _, v := range []string{"", "off", "0", "50", "+50", "-1", "-7", "50%", "2.5", "abc", " 50", "99999999999", "1_0", "OFF"} {
		want, err := ParseGOGC(v)
		_, got, _, _ := run(t, bin, "GOGC="+v)
		if want < 0 {
			want = -1 // any negative percentage is off
		}
		if got != want {
			t.Errorf("GOGC=%q: the runtime has %d; we say %d, %v", v, got, want, err)
		}
	}
	for _, v := range []string{"", "1", "3", "+3", "0", "-1", "1.5", " 1", "2x", "99999999999"} {
		want, err := ParseMaxProcs(v)
		if want == 0 {
			want = automatic
		}
		if _, _, got, _ := run(t, bin, "GOMAXPROCS="+v); got != want {
			t.Errorf("GOMAXPROCS=%q: the runtime has %d; we say %d, %v", v, got, want, err)
		}
	}
}

func buildProbe(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	src, bin := filepath.Join(dir, "main.go"), filepath.Join(dir, "probe")
	if err := os.WriteFile(src, []byte(probe), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-o", bin, src)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the probe: %v\n%s", err, out)
	}
	return bin
}

// run gives the memory limit, GC percentage and GOMAXPROCS that a program ran with.
func run(t *testing.T, bin, env string) (limit int64, gogc, procs int, ok bool) {
	t.Helper()
	cmd := exec.Command(bin)
	cmd.Env = []string{env}
	out, err := cmd.Output()
	if err != nil {
		return 0, 0, 0, false
	}
	fields := strings.Fields(string(out))
	limit, _ = strconv.ParseInt(fields[0], 10, 64)
	gogc, _ = strconv.Atoi(fields[1])
	procs, _ = strconv.Atoi(fields[2])
	return limit, gogc, procs, true
}

func TestParseGODEBUG(t *testing.T) {
	got, err := ParseGODEBUG("http2client=0,,gctrace=1")
	if err != nil || len(got) != 2 || got[0] != (Setting{"http2client", "0"}) || got[1].Key != "gctrace" {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"http2clients=0", "http2client", "=1"} {
		if _, err := ParseGODEBUG(bad); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("ParseGODEBUG(%q): %v, want an error that names it", bad, err)
		}
	}
	if s := FormatGODEBUG(map[string]string{"b": "2", "a": "1"}); s != "a=1,b=2" {
		t.Errorf("FormatGODEBUG: %q", s)
	}
}

func TestLabelKeys(t *testing.T) {
	for _, key := range append(Required(), LabelGOGC, LabelPids) {
		if !Known(key) || !strings.HasPrefix(key, Prefix) {
			t.Errorf("%s is not a known label", key)
		}
	}
	if Known(Prefix + "nonsense") {
		t.Error("an unknown label is known")
	}
}
