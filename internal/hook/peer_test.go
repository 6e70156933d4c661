package hook

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll-build/plimsoll/internal/hook/memlimit"
)

// peerVersion is the automemlimit that is compared with.
const peerVersion = "v0.7.5"

// peer is the same server with automemlimit, which sets the limit when it is imported; with an
// argument it says how many nanoseconds one look at the cgroup takes: the median, since the
// machine may have other work.
const peer = `package main

import (
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"

	_ "github.com/KimMachineGun/automemlimit"
	"github.com/KimMachineGun/automemlimit/memlimit"
)

func main() {
	if len(os.Args) > 1 {
		took := make([]time.Duration, 2001)
		for i := range took {
			start := time.Now()
			memlimit.FromCgroup()
			took[i] = time.Since(start)
		}
		slices.Sort(took)
		os.Stdout.WriteString(strconv.Itoa(int(took[1000])))
		return
	}
	http.ListenAndServe("", nil)
}
`

// BenchmarkAgainstAutomemlimit is the hook beside the library that does the same: bytes in a
// stripped net/http binary, and the time of one look at this machine's cgroup.
func BenchmarkAgainstAutomemlimit(b *testing.B) {
	dir := b.TempDir()
	for name, data := range map[string]string{"go.mod": "module example.com/peer\n\ngo 1.25\n", "main.go": peer} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	program := filepath.Join(dir, "peer")
	for _, argv := range [][]string{
		{"go", "get", "github.com/KimMachineGun/automemlimit@" + peerVersion},
		{"go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", program, "."},
	} {
		cmd := exec.CommandContext(b.Context(), argv[0], argv[1:]...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=mod")
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
	plain, hooked := build(b, nil), build(b, map[string]string{FileName: File(Options{Percent: 90})})
	var peers int
	for b.Loop() {
		out, err := exec.CommandContext(b.Context(), program, "show").Output()
		if err != nil {
			b.Fatal(err)
		}
		if peers, err = strconv.Atoi(strings.TrimSpace(string(out))); err != nil {
			b.Fatal(err)
		}
	}
	took := make([]time.Duration, 2001)
	for i := range took {
		start := time.Now()
		memlimit.Choose("")
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	own := took[1000]
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(own)/1e3, "hook-µs")
	b.ReportMetric(float64(peers)/1e3, "automemlimit-µs")
	b.ReportMetric(float64(own)/float64(peers), "ratio")
	b.ReportMetric(float64(size(b, hooked)-size(b, plain)), "hook-bytes")
	b.ReportMetric(float64(size(b, program)-size(b, plain)), "automemlimit-bytes")
}
