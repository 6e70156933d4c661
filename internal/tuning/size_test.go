package tuning

import (
	"math"
	"strings"
	"testing"
)

func TestParseSize(t *testing.T) {
	good := map[string]int64{
		"0": 0, "1": 1, "536870912": 536870912, "7B": 7, "4KiB": 4096, "512MiB": 512 * MiB, "2GiB": 2 * GiB, "1TiB": TiB,
		"9223372036854775807": math.MaxInt64,
	}
	for s, want := range good {
		if got, err := ParseSize(s); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v, want %d", s, got, err, want)
		}
	}
	bad := map[string]string{ // what the message has to offer
		"512M": "512MiB", "1G": "1GiB", "1g": "1GiB", "512Mi": "512MiB", "100MB": "100MiB", "100mb": "100MiB", "8k": "8KiB",
		"1.5GiB": "smaller unit", "": "no number", "MiB": "no number", "-1": "bytes", "+1": "bytes", "1 GiB": "1GiB",
		"9223372036854775808": "too large", "8388608TiB": "too large", "12parsec": "KiB", "0x10": "bytes", "1_000": "bytes",
	}
	for s, hint := range bad {
		if got, err := ParseSize(s); err == nil || !strings.Contains(err.Error(), hint) {
			t.Errorf("ParseSize(%q) = %d, %v, want an error that offers %q", s, got, err, hint)
		}
	}
}

func TestFormatSizeReadsBack(t *testing.T) {
	for _, n := range []int64{0, 1, 1023, 1024, 512 * MiB, GiB + 1, 3 * TiB, math.MaxInt64} {
		if back, err := ParseSize(FormatSize(n)); err != nil || back != n {
			t.Errorf("ParseSize(FormatSize(%d)) = %d, %v", n, back, err)
		}
	}
}

func TestParseCores(t *testing.T) {
	good := map[string]int64{"2": 2000, "0.5": 500, "0.50": 500, "250m": 250, "1.125": 1125, "64": 64000, "0.001": 1, "2.0000": 2000}
	for s, want := range good {
		if got, err := ParseCores(s); err != nil || got != want {
			t.Errorf("ParseCores(%q) = %d, %v, want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "0", "0m", "0.0001", "-1", "+1", "1e3", ".5", "1.", "two", "1,5", "100%", "99999999999999999999"} {
		if got, err := ParseCores(s); err == nil {
			t.Errorf("ParseCores(%q) = %d, want an error", s, got)
		}
	}
}

func TestFormatCores(t *testing.T) {
	for milli, want := range map[int64]string{2000: "2", 500: "0.5", 250: "0.25", 1125: "1.125", 10000: "10"} {
		if got := FormatCores(milli); got != want {
			t.Errorf("FormatCores(%d) = %q, want %q", milli, got, want)
		}
	}
}
