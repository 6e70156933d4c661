package spec

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

// Size is a number of bytes, written with binary units ("512MiB").
type Size int64

// UnmarshalText reads a size as tuning.ParseSize does.
func (s *Size) UnmarshalText(b []byte) error {
	n, err := tuning.ParseSize(string(b))
	*s = Size(n)
	return err
}

// Cores is a number of CPUs in thousandths, written "2", "0.5" or "250m".
type Cores int64

// UnmarshalText reads a CPU count as tuning.ParseCores does.
func (c *Cores) UnmarshalText(b []byte) error {
	n, err := tuning.ParseCores(string(b))
	*c = Cores(n)
	return err
}

// Percent is a whole percentage from 0 to 90, written "10%".
type Percent int

// UnmarshalText reads "10%".
func (p *Percent) UnmarshalText(b []byte) error {
	digits, ok := strings.CutSuffix(string(b), "%")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n > 90 || strings.ContainsAny(digits, "+-") {
		return fmt.Errorf("%q is not a percentage from 0%% to 90%%", b)
	}
	*p = Percent(n)
	return nil
}

// OneOrMany is a list that may be written as a single string.
type OneOrMany []string
