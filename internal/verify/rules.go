package verify

import (
	"fmt"
	"slices"
	"strings"
)

// needs are what a rule cannot do without.
type needs struct {
	labels bool // an image of ours; others skip
	layers bool // every layer readable; else unknown
}

// Rule is one row of the table that the program, its help and the docs share.
type Rule struct {
	// Name is the rule's in flags, reports and docs.
	Name string
	// Proves says what a pass means.
	Proves string
	// Severity is that of a failure.
	Severity Severity
	// Docs is the anchor in docs/verify.md.
	Docs string

	needs needs
	judge func(*inspection) outcome
}

// Rules are all rules, in the order of reports.
func Rules() []Rule {
	files, ours, both := needs{layers: true}, needs{labels: true}, needs{labels: true, layers: true}
	return []Rule{
		rule("platform", "ELF header and build info of every binary, config and index descriptor name the same platform; no two platforms of an index share a binary", files, judgePlatform),
		rule("static", "no binary has PT_INTERP or DT_NEEDED: the kernel can start it in an empty root", files, judgeStatic),
		rule("cgo", "CGO_ENABLED=0 in the build info, and no cgo function in the function table", files, judgeCgo),
		rule("trimpath", "no source file of the function table has a path of the machine that built it", files, judgeTrimpath),
		rule("go-version", "the Go release of the build info is the labelled one, and one that still gets fixes", files, judgeGo),
		rule("variant", "race detector, sanitizers, coverage, unoptimized code and FIPS are as labelled: a release has none", files, judgeVariant),
		rule("metadata", "both copies of the build info are equal, and code and headers do not contradict them", files, judgeMetadata),
		rule("layers", "manifest, config and layers hash to their digests and have their sizes, uncompressed layers hash to their DiffIDs; each labelled binary is in a layer of ours", needs{}, judgeLayers),
		rule("entrypoint", "after whiteouts and links the entrypoint is a regular file that the user may execute, and the first labelled binary", files, judgeEntrypoint),
		rule("env-grammar", "GOMEMLIMIT, GOGC, GOMAXPROCS and GODEBUG of the environment are values that the Go runtime takes", needs{}, judgeEnvGrammar),
		rule("memlimit", "label and environment name the same GOMEMLIMIT, below memory.max and 95% of memory.high; no code sets another", needs{}, judgeMemLimit),
		rule("hook", "the start-up hook that the labels name is in every binary: its function and source file, its parameters, and its call of SetMemoryLimit; none is there without a label", both, judgeHook),
		rule("maxprocs", "the gomaxprocs label is true: auto really follows the CPU limit and no code ends that, a number is in the environment", both, judgeMaxProcs),
		rule("cgroup-mount", "nothing in the root or the config hides or covers /proc, /sys, /sys/fs/cgroup and /dev", files, judgeCgroupMount),
		rule("cgroup-libs", "no linked library reads cgroup v1 alone", files, judgeCgroupLibs),
		rule("user", "the user is numeric and not 0, and /etc/passwd does not contradict it", files, judgeUser),
		rule("rootfs", "no shell, package manager, set-id program, secret or build leftover, and nothing that all may write", files, judgeRootFS),
		warning("roots", "CA certificates are there where a binary verifies certificates", files, judgeRoots),
		warning("tzdata", "time zones are there where a binary loads them", files, judgeZones),
		warning("accounts", "/etc/passwd is there where a binary looks up users", files, judgeAccounts),
		warning("tmp", "the directory for temporary files is there, and the user may write to it, where a binary makes any", files, judgeTemp),
		rule("reproducible", "every time in our layers is the labelled one, no clock's", both, judgeReproducible),
		rule("sbom", "an attested SPDX document names the modules that the programs were built from; others are shown", needs{}, judgeSBOM),
		rule("base", "the labels name the base and its digest, and say of our layers where it ends; a tag may move", needs{}, judgeBase),
		rule("labels", "contract version known, each label parses, none is missing or unknown, annotations are equal where there are any", ours, judgeLabels),
		rule("seal", "platform, config and layers are the ones that were planned: the recomputed seal is the label", ours, judgeSeal),
	}
}

func rule(name, proves string, n needs, judge func(*inspection) outcome) Rule {
	return Rule{Name: name, Proves: proves, Severity: Error, Docs: "docs/verify.md#" + name, needs: n, judge: judge}
}

// warning is a rule that does not make an image not ok: it may work without.
func warning(name, proves string, n needs, judge func(*inspection) outcome) Rule {
	r := rule(name, proves, n, judge)
	r.Severity = Warning
	return r
}

// apply judges an image by the rule.
func (r Rule) apply(in *inspection) Result {
	var o outcome
	switch broken := in.broken(); {
	case r.needs.labels && !in.ours:
		o = outcome{verdict: Skip, reason: "no labels of ours"}
	case r.needs.layers && broken != nil:
		o = outcome{verdict: Unknown, reason: broken.Error()}
	default:
		o = r.judge(in)
	}
	return Result{Rule: r.Name, Verdict: o.verdict, Severity: r.Severity, Reason: o.reason, Findings: o.findings}
}

// outcome is what a rule found.
type outcome struct {
	verdict  Verdict
	reason   string
	findings []Finding
}

func skip(reason string) outcome { return outcome{verdict: Skip, reason: reason} }

// tally gathers what a rule finds; the worst of it decides.
type tally struct {
	fails, warns []Finding
	unknowns     []string
}

func (t *tally) fail(where, got, want string) {
	t.fails = append(t.fails, finding(where, got, want))
}

func (t *tally) warn(where, got, want string) {
	t.warns = append(t.warns, finding(where, got, want))
}

// finding says of a value that is empty that it is: a label or variable can be.
func finding(where, got, want string) Finding {
	if got == "" {
		got = "(empty)"
	}
	return Finding{Where: where, Got: got, Want: want}
}

func (t *tally) unknown(format string, args ...any) {
	t.unknowns = append(t.unknowns, fmt.Sprintf(format, args...))
}

const maxFindings = 20

// outcome is the verdict, passed being the reason of a pass.
func (t *tally) outcome(passed string) outcome {
	o := outcome{verdict: Pass, reason: passed, findings: slices.Concat(t.fails, t.warns)}
	switch {
	case len(t.fails) > 0:
		o.verdict, o.reason = Fail, strings.Join(t.unknowns, "; ")
	case len(t.unknowns) > 0:
		o.verdict, o.reason = Unknown, strings.Join(t.unknowns, "; ")
	case len(t.warns) > 0:
		o.verdict = Warn
	}
	if more := len(o.findings) - maxFindings; more > 0 {
		o.findings = append(o.findings[:maxFindings:maxFindings], Finding{Where: "and", Got: fmt.Sprintf("%d more", more), Want: "none"})
	}
	return o
}
