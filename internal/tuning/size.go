package tuning

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Binary units, in bytes.
const (
	KiB int64 = 1 << (10 * (iota + 1))
	MiB
	GiB
	TiB
)

var units = []struct {
	suffix string
	bytes  int64
}{{"TiB", TiB}, {"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB}, {"B", 1}, {"", 1}}

// ParseSize reads a size of the spec in bytes: a whole number with B, KiB, MiB,
// GiB, TiB or nothing. Decimal and short units are refused with the reason.
func ParseSize(s string) (int64, error) {
	for _, u := range units {
		digits, ok := strings.CutSuffix(s, u.suffix)
		if !ok || !isDigits(digits) {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n > math.MaxInt64/u.bytes {
			return 0, fmt.Errorf("size %q is too large", s)
		}
		return n * u.bytes, nil
	}
	return 0, sizeError(s)
}

func sizeError(s string) error {
	digits := strings.TrimRight(s, "KMGTkmgtiBb ")
	switch unit := strings.TrimSpace(s[len(digits):]); {
	case digits == "":
		return fmt.Errorf("size %q has no number: write one such as 512MiB", s)
	case strings.Contains(digits, "."):
		return fmt.Errorf("size %q is not a whole number: the Go runtime takes none either, use a smaller unit", s)
	case strings.ContainsAny(unit, "KMGTkmgt"):
		iec := strings.ToUpper(unit[:1]) + "iB"
		return fmt.Errorf("size %q: unit %q means 1000s to some tools and 1024s to others, and the Go runtime dies on it: write %s%s", s, unit, digits, iec)
	}
	return fmt.Errorf("size %q is not a number of bytes with B, KiB, MiB, GiB or TiB", s)
}

// FormatSize writes bytes in the largest binary unit that divides them.
func FormatSize(n int64) string {
	for _, u := range units {
		if n != 0 && u.bytes > 1 && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.suffix
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}

// RoundedSize writes bytes in whole MiB where they are that many, for messages.
func RoundedSize(n int64) string {
	if n < MiB {
		return FormatSize(n)
	}
	return strconv.FormatInt(n/MiB, 10) + "MiB"
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// ParseCores reads a number of CPUs in thousandths of a core: decimal cores
// ("2", "0.5") or Kubernetes' millicores ("250m"). At least one thousandth.
func ParseCores(s string) (int64, error) {
	if m, ok := strings.CutSuffix(s, "m"); ok && isDigits(m) {
		return coresInRange(s, m)
	}
	whole, frac, _ := strings.Cut(s, ".")
	if !isDigits(whole) || strings.Trim(frac, "0123456789") != "" || strings.HasSuffix(s, ".") {
		return 0, fmt.Errorf("CPU count %q is neither decimal cores such as 0.5 nor millicores such as 250m", s)
	}
	frac = strings.TrimRight(frac, "0")
	if len(frac) > 3 {
		return 0, fmt.Errorf("CPU count %q is finer than a thousandth of a core", s)
	}
	return coresInRange(s, whole+frac+strings.Repeat("0", 3-len(frac)))
}

func coresInRange(s, milli string) (int64, error) {
	n, err := strconv.ParseInt(milli, 10, 64)
	if err != nil || n < 1 || n > 1_000_000_000 {
		return 0, fmt.Errorf("CPU count %q is out of range", s)
	}
	return n, nil
}

// FormatCores writes thousandths of a core as decimal cores.
func FormatCores(milli int64) string {
	s := strconv.FormatFloat(float64(milli)/1000, 'f', 3, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}
