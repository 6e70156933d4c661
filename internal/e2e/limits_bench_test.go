package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/plimsoll-build/plimsoll/internal/testenv"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

// BenchmarkUnderLimits runs a service that holds live MiB and makes 2,000 MiB of garbage in a
// container of 120 MiB: without GOMEMLIMIT, with that of the container, and with planned
// ones. It reports kills in percent of the runs, garbage in MiB a second of those that lived, and
// collections; of other machines only the relations are worth comparing.
func BenchmarkUnderLimits(b *testing.B) {
	const memory, garbage = 120 << 20, 2000
	layout := labService(b)
	limits := []struct {
		name  string
		bytes int64
	}{{"none", 0}, {"100%", memory}}
	for _, headroom := range []int{tuning.DefaultHeadroom, 20} {
		planned, err := tuning.MemLimit(tuning.Memory{Max: memory, Headroom: headroom})
		if err != nil {
			b.Fatal(err)
		}
		limits = append(limits, struct {
			name  string
			bytes int64
		}{fmt.Sprintf("headroom-%d%%", headroom), planned.Bytes})
	}
	for _, live := range []int{20, 60, 90} {
		for _, limit := range limits {
			b.Run(fmt.Sprintf("live=%dMiB/GOMEMLIMIT=%s", live, limit.name), func(b *testing.B) {
				kills, collected, seconds, runs := 0, uint32(0), []float64(nil), 0
				for b.Loop() {
					runs++
					start := time.Now()
					res := testenv.RunImage(b, layout, testenv.RunOptions{
						Args: []string{"churn", fmt.Sprint(live), fmt.Sprint(garbage)}, Memory: memory,
						Env: []string{"GOMEMLIMIT=" + tuning.FormatMemLimit(limit.bytes)},
					})
					var said struct{ Collected uint32 }
					switch {
					case res.ExitCode == 137:
						kills++
					case res.ExitCode != 0 || json.Unmarshal([]byte(res.Stdout), &said) != nil:
						b.Fatalf("exit code %d\n%s%s", res.ExitCode, res.Stdout, res.Stderr)
					default:
						seconds, collected = append(seconds, time.Since(start).Seconds()), said.Collected
					}
				}
				b.ReportMetric(100*float64(kills)/float64(runs), "killed-%")
				if len(seconds) > 0 {
					slices.Sort(seconds)
					b.ReportMetric(garbage/seconds[len(seconds)/2], "MiB/s")
					b.ReportMetric(float64(collected), "collections")
				}
			})
		}
	}
}

// labService is the lab's service as an image without a runtime section.
func labService(b *testing.B) string {
	b.Helper()
	bin, err := program()
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	layout := filepath.Join(dir, "layout")
	cmd := exec.CommandContext(b.Context(), bin, "build", "-q", "--main", ".", "-o", "type=oci,tar=false,dest="+layout, filepath.Join("..", "lab", "testdata", "service"))
	cmd.Env = append(os.Environ(), "PLIMSOLL_CACHE="+filepath.Join(dir, "cache"))
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return layout
}
