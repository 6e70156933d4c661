package verify

import (
	"errors"
	"fmt"
	"go/version"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

// grammars are the values that a label of contract version 1 can have.
var grammars = map[string]func(string) error{
	tuning.LabelVersion:    oneOf(tuning.ContractVersion),
	tuning.LabelSpecDigest: parseDigest,
	tuning.LabelPlanDigest: parseDigest,
	tuning.LabelSeal:       parseDigest,
	tuning.LabelBinaries:   func(s string) error { _, err := parseBinaries(s); return err },
	tuning.LabelGo:         parseGoVersion,
	tuning.LabelStatic:     oneOf("true"),
	tuning.LabelVariant:    matches("[a-z][a-z0-9-]*", "a lower-case word"),
	tuning.LabelHook:       matches(`v[0-9]{1,4} sha256:[0-9a-f]{64}`, "a version and a sha256"),
	tuning.LabelMemLimit:   func(s string) error { _, _, err := parseMemLimitLabel(s); return err },
	tuning.LabelMaxProcs:   parseMaxProcsLabel,
	tuning.LabelGOGC:       func(s string) error { _, err := tuning.ParseGOGC(s); return err },
	tuning.LabelGODEBUG:    func(s string) error { _, err := tuning.ParseGODEBUG(s); return err },
	tuning.LabelMemoryMax:  count,
	tuning.LabelMemoryHigh: count,
	tuning.LabelCPUMax:     func(s string) error { _, err := tuning.ParseCores(s); return err },
	tuning.LabelCPUWeight:  count,
	tuning.LabelCPUSet:     matches(`\d{1,6}(-\d{1,6})?(,\d{1,6}(-\d{1,6})?)*`, "a list of CPUs such as 0-3,6"),
	tuning.LabelPids:       count,
	tuning.LabelCgroup:     oneOf("any", "v2"),
}

func oneOf(values ...string) func(string) error {
	return func(s string) error {
		if !slices.Contains(values, s) {
			return fmt.Errorf("not %s", strings.Join(values, " or "))
		}
		return nil
	}
}

func matches(pattern, meaning string) func(string) error {
	re := regexp.MustCompile("^(?:" + pattern + ")$")
	return func(s string) error {
		if !re.MatchString(s) {
			return errors.New("not " + meaning)
		}
		return nil
	}
}

func parseDigest(s string) error {
	d, err := digest.Parse(s)
	if err == nil && d.Algorithm() != digest.SHA256 {
		err = errors.New("not sha256")
	}
	return err
}

func parseGoVersion(s string) error {
	if !version.IsValid(s) {
		return errors.New("not a Go version such as go1.26.8")
	}
	return nil
}

// parseCount reads a decimal number above zero, written in its only way.
func parseCount(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || strconv.FormatInt(n, 10) != s {
		return 0, errors.New("not a whole number above 0")
	}
	return n, nil
}

func count(s string) error { _, err := parseCount(s); return err }

const maxBinaries = 64

// parseBinaries reads the binaries label: absolute clean paths, each once.
func parseBinaries(s string) ([]string, error) {
	if strings.Count(s, ",") >= maxBinaries {
		return nil, fmt.Errorf("more than %d paths", maxBinaries)
	}
	paths := strings.Split(s, ",")
	for i, p := range paths {
		if !path.IsAbs(p) || path.Clean(p) != p || p == "/" || slices.Contains(paths[:i], p) {
			return nil, fmt.Errorf("%q is not an absolute clean path, or stands there twice", p)
		}
	}
	return paths, nil
}

// parseMemLimitLabel reads "off", bytes, or "auto:90%".
func parseMemLimitLabel(s string) (limit int64, auto bool, err error) {
	if s == "off" {
		return 0, false, nil
	}
	if rest, ok := strings.CutPrefix(s, "auto:"); ok {
		share, hasPercent := strings.CutSuffix(rest, "%")
		n, err := parseCount(share)
		if err != nil || !hasPercent || n > 100 {
			return 0, true, errors.New("not auto with a percentage")
		}
		return 0, true, nil
	}
	if limit, err = parseCount(s); err != nil {
		return 0, false, errors.New("not off, auto:N% or a number of bytes")
	}
	return limit, false, nil
}

func parseMaxProcsLabel(s string) error {
	if s == "auto" || s == "default" {
		return nil
	}
	if n, err := parseCount(s); err != nil || n > 1<<20 {
		return errors.New("not auto, default or a number of CPUs")
	}
	return nil
}
