package verify

import (
	"fmt"
	"io"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

// barWidth is the length of the longest bar, in columns.
const barWidth = 40

// loadLine draws memory as a ship's side: how much of the limit the collector may
// fill, and how little of it the binary is. Nothing without labels of limits.
func (r Report) loadLine(w io.Writer) {
	type mark struct {
		name  string
		bytes int64
	}
	label := func(key string) int64 {
		n, err := parseCount(r.Labels[key])
		if err != nil {
			return 0
		}
		return n
	}
	maximum, high := label(tuning.LabelMemoryMax), label(tuning.LabelMemoryHigh)
	if maximum == 0 && high == 0 {
		return
	}
	marks := []mark{{"memory.max", maximum}, {"memory.high", high}, {"GOMEMLIMIT", label(tuning.LabelMemLimit)}}
	if len(r.Binaries) > 0 {
		marks = append(marks, mark{"binary", r.Binaries[0].Size})
	}
	longest := int64(1)
	for _, m := range marks {
		longest = max(longest, m.bytes)
	}
	for _, m := range marks {
		if m.bytes > 0 {
			bar := max(1, int(float64(m.bytes)/float64(longest)*barWidth))
			fmt.Fprintf(w, "  %-11s  %10.1f MiB  |%s\n", m.name, float64(m.bytes)/(1<<20), strings.Repeat("=", bar))
		}
	}
}
