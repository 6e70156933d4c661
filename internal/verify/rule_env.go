package verify

import (
	"fmt"
	"go/version"
	"strconv"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

// judgeEnvGrammar reads each runtime variable as the runtime does: a wrong
// GOMEMLIMIT kills the process before main, the others are silently ignored.
func judgeEnvGrammar(in *inspection) outcome {
	var t tally
	grammars := []struct {
		name, want string
		parse      func(string) error
	}{
		{"GOMEMLIMIT", "bytes with B, KiB, MiB, GiB, TiB, or off", func(s string) error { _, err := tuning.ParseMemLimit(s); return err }},
		{"GOGC", "a whole number of percent, or off", func(s string) error { _, err := tuning.ParseGOGC(s); return err }},
		{"GOMAXPROCS", "a whole number above 0", func(s string) error { _, err := tuning.ParseMaxProcs(s); return err }},
		{"GODEBUG", "known key=value pairs", func(s string) error { _, err := tuning.ParseGODEBUG(s); return err }},
	}
	set := 0
	for _, g := range grammars {
		values := in.env(g.name)
		set += len(values)
		if len(values) > 1 {
			t.fail("env "+g.name, fmt.Sprintf("set %d times", len(values)), "once: which one counts is up to the program")
		}
		for _, v := range values {
			if err := g.parse(v); err != nil {
				t.fail("env "+g.name, err.Error(), g.want)
			}
		}
	}
	return t.outcome(fmt.Sprintf("%d of 4 variables set", set))
}

// judgeMemLimit recomputes nothing of the plan (headroom and non-Go bytes are not
// in the image) but holds every value that is there against the others.
func judgeMemLimit(in *inspection) outcome {
	var t tally
	limit, bad := in.envMemLimit()
	if bad != nil {
		t.fail("env GOMEMLIMIT", bad.Error(), "a limit that the runtime takes")
	}
	if !in.ours {
		return in.foreignMemLimit(&t, limit, bad)
	}
	label, ok := in.label(tuning.LabelMemLimit)
	planned, auto, err := parseMemLimitLabel(label)
	switch {
	case !ok:
		t.unknown("label %s is missing", tuning.LabelMemLimit)
	case err != nil:
		t.unknown("label %s: %v", tuning.LabelMemLimit, err)
	case auto:
		if values := in.env("GOMEMLIMIT"); len(values) > 0 {
			t.fail("env GOMEMLIMIT", strings.Join(values, " "), "none: with it the start-up hook of label "+tuning.LabelMemLimit+" does nothing")
		}
		in.judgeHeadroom(&t, 0)
		in.judgeLimitCalls(&t)
		return t.outcome("GOMEMLIMIT " + label)
	case bad == nil && planned != limit:
		t.fail("env GOMEMLIMIT", tuning.FormatMemLimit(limit), label+" of label "+tuning.LabelMemLimit)
	}
	in.judgeHeadroom(&t, max(planned, limit))
	if planned > 0 || limit > 0 {
		in.judgeLimitCalls(&t)
	}
	return t.outcome("GOMEMLIMIT " + tuning.FormatMemLimit(limit))
}

// envMemLimit is GOMEMLIMIT of the environment in bytes, zero for none or off.
func (in *inspection) envMemLimit() (int64, error) {
	var limit int64
	for _, v := range in.env("GOMEMLIMIT") {
		n, err := tuning.ParseMemLimit(v)
		if err != nil {
			return 0, err
		}
		if limit = n; n == tuning.Unlimited {
			limit = 0
		}
	}
	return limit, nil
}

func (in *inspection) foreignMemLimit(t *tally, limit int64, bad error) outcome {
	if limit == 0 && bad == nil {
		return skip("no labels of ours, and no GOMEMLIMIT in the environment")
	}
	if limit > 0 && limit < tuning.MinMemLimit {
		t.warn("env GOMEMLIMIT", tuning.FormatSize(limit), "64MiB or more: below, the collector runs without end")
	}
	if limit > 0 {
		in.judgeLimitCalls(t)
	}
	return t.outcome("GOMEMLIMIT " + tuning.FormatMemLimit(limit))
}

// judgeHeadroom holds a limit against the labels of the container's limits.
func (in *inspection) judgeHeadroom(t *tally, limit int64) {
	maximum, high := in.bytesLabel(t, tuning.LabelMemoryMax), in.bytesLabel(t, tuning.LabelMemoryHigh)
	if maximum > 0 && high > maximum {
		t.fail("label "+tuning.LabelMemoryHigh, tuning.FormatSize(high), "at most memory.max, "+tuning.FormatSize(maximum))
	}
	if limit == 0 {
		return
	}
	if maximum > 0 && limit >= maximum {
		t.fail("GOMEMLIMIT", tuning.FormatSize(limit), "below memory.max, "+tuning.FormatSize(maximum)+": the kernel kills before the collector acts")
	}
	if ceiling := high/100*tuning.HighShare + high%100*tuning.HighShare/100; high > 0 && limit > ceiling {
		t.fail("GOMEMLIMIT", tuning.FormatSize(limit), fmt.Sprintf("at most %s, %d%% of memory.high: the kernel throttles before the collector acts", tuning.FormatSize(ceiling), tuning.HighShare))
	}
	if limit < tuning.MinMemLimit {
		t.warn("GOMEMLIMIT", tuning.FormatSize(limit), "64MiB or more: below, the collector runs without end")
	}
}

// bytesLabel is a label in bytes, zero if it is absent; one that does not parse is
// judged by labels and makes the arithmetic unknown.
func (in *inspection) bytesLabel(t *tally, key string) int64 {
	value, ok := in.label(key)
	if !ok {
		return 0
	}
	n, err := parseCount(value)
	if err != nil {
		t.unknown("label %s: %v", key, err)
	}
	return n
}

func judgeMaxProcs(in *inspection) outcome {
	var t tally
	label, ok := in.label(tuning.LabelMaxProcs)
	env := strings.Join(in.env("GOMAXPROCS"), " ")
	switch {
	case !ok:
		t.unknown("label %s is missing", tuning.LabelMaxProcs)
	case label == "auto":
		in.judgeFollowing(&t, env)
	case label == "default":
		if env != "" {
			t.fail("env GOMAXPROCS", env, "none: label "+tuning.LabelMaxProcs+" is default")
		}
	case parseMaxProcsLabel(label) != nil:
		t.unknown("label %s: %v", tuning.LabelMaxProcs, parseMaxProcsLabel(label))
	default:
		if n, err := tuning.ParseMaxProcs(env); err != nil || strconv.Itoa(n) != label {
			t.fail("env GOMAXPROCS", "\""+env+"\"", label+" of label "+tuning.LabelMaxProcs)
		}
	}
	return t.outcome("gomaxprocs " + label)
}

// judgeFollowing proves that the runtime follows the CPU limit: Go 1.25, no
// setting that turns it off, and nothing that sets GOMAXPROCS.
func (in *inspection) judgeFollowing(t *tally, env string) {
	if env != "" {
		t.fail("env GOMAXPROCS", env, "none: it ends the following of the CPU limit")
	}
	for _, p := range in.binaries(t) {
		if p.bin.Build == nil {
			t.unknown("%s: %v", p.path, p.bin.BuildErr)
			continue
		}
		in.judgeGoVersion(t, p)
		in.judgeGODEBUG(t, p)
		if p.linked.err != nil {
			t.unknown("%s: %v", p.path, p.linked.err)
			continue
		}
		in.judgeProcsCalls(t, p)
	}
}

func (in *inspection) judgeGoVersion(t *tally, p program) {
	switch v := goVersionOf(p); {
	case !version.IsValid(v):
		t.unknown("%s: Go version %q is not a release", p.path, p.bin.Build.GoVersion)
	case version.Compare(v, "go1.25") < 0:
		t.fail(p.path, v, "go1.25 or newer: older ones do not read the CPU limit")
	}
}

// judgeGODEBUG looks at the two settings that turn the following off. The
// environment goes before the default that the go line left in the binary.
func (in *inspection) judgeGODEBUG(t *tally, p program) {
	defaults, _ := p.bin.Setting("DefaultGODEBUG")
	env := strings.Join(in.env("GODEBUG"), ",")
	for _, key := range []string{"containermaxprocs", "updatemaxprocs"} {
		if value, ok := godebugValue(env, key); ok {
			if value == "0" {
				t.fail("env GODEBUG", key+"=0", "not 0: it ends the following of the CPU limit")
			}
			continue
		}
		if value, _ := godebugValue(defaults, key); value == "0" {
			t.fail(p.path, "DefaultGODEBUG "+key+"=0", "not 0: a go line below 1.25 turns it off")
		}
	}
}

// godebugValue is the last setting of a key, which is the one that counts.
func godebugValue(godebug, key string) (value string, ok bool) {
	for part := range strings.SplitSeq(godebug, ",") {
		if k, v, _ := strings.Cut(part, "="); k == key {
			value, ok = v, true
		}
	}
	return value, ok
}
