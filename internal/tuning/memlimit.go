package tuning

import (
	"fmt"
	"strconv"
)

// Defaults and bounds of the memory arithmetic.
const (
	// DefaultHeadroom is the share of memory.max that is left to what Go's
	// collector does not see, in percent.
	DefaultHeadroom = 10
	// HighShare is how far under memory.high the limit stays, in percent of it:
	// at 100 % the kernel throttles before the collector acts (measured).
	HighShare = 95
	// MinMemLimit is the smallest limit worth setting, in bytes: below it the
	// collector would run without end.
	MinMemLimit = 64 * MiB
)

// Memory is a container's declared memory, in bytes; zero means not declared.
type Memory struct {
	Max, High, NonGo int64
	// Headroom is in percent of Max; zero means none.
	Headroom int
}

// Limit is the outcome of the arithmetic.
type Limit struct {
	// Bytes is the GOMEMLIMIT to set; zero means that none is.
	Bytes int64
	// Warning says why a limit is missing or doubtful; empty if all is well.
	Warning string
}

// MemLimit is min(max × (1 − headroom), 0.95 × high) − non-Go bytes. Nothing
// declared gives no limit; a result at or above max is an error.
func MemLimit(m Memory) (Limit, error) {
	if m.Max == 0 && m.High == 0 {
		return Limit{}, nil
	}
	if m.Max > 0 && m.High > m.Max {
		return Limit{}, fmt.Errorf("memory.high %s is above memory.max %s", FormatSize(m.High), FormatSize(m.Max))
	}
	limit := percent(m.Max, 100-m.Headroom)
	if high := percent(m.High, HighShare); m.Max == 0 || (m.High > 0 && high < limit) {
		limit = high
	}
	limit -= m.NonGo
	switch ceiling := max(m.Max, m.High); {
	case limit <= 0:
		return Limit{}, fmt.Errorf("nothing is left for Go: %s declared, %s of it not Go's", FormatSize(ceiling), FormatSize(m.NonGo))
	case m.Max > 0 && limit >= m.Max:
		return Limit{}, fmt.Errorf("GOMEMLIMIT %s would not be below memory.max %s: the kernel kills before the collector acts; leave headroom", RoundedSize(limit), FormatSize(m.Max))
	case limit < MinMemLimit:
		return Limit{Warning: fmt.Sprintf("GOMEMLIMIT would be %s, under 64MiB, where the collector runs without end: none is set", RoundedSize(limit))}, nil
	case limit < ceiling/2:
		return Limit{Bytes: limit, Warning: fmt.Sprintf("GOMEMLIMIT is %s, under half of the declared %s", RoundedSize(limit), FormatSize(ceiling))}, nil
	}
	return Limit{Bytes: limit}, nil
}

// percent is share % of n without overflow.
func percent(n int64, share int) int64 {
	return n/100*int64(share) + n%100*int64(share)/100
}

// AutoPrefix begins the memlimit label of an image whose binary reads the limit of its
// container; the percentage that is Go's follows.
const AutoPrefix = "auto:"

// FormatAuto is that label.
func FormatAuto(percent int) string { return fmt.Sprintf("%s%d%%", AutoPrefix, percent) }

// FormatMemLimit writes a limit as GOMEMLIMIT's Env value and label: bytes in
// decimal, or "off".
func FormatMemLimit(n int64) string {
	if n == 0 {
		return "off"
	}
	return strconv.FormatInt(n, 10)
}
