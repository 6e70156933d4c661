package main

import (
	"regexp"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/corpus"
)

// facts are what a reader who knows the fault would look for in a tool's output, as
// regular expressions by row and tool; with a ! in front, what the output then lacks. A
// cell without one is judged by the exit code alone.
var facts = map[string]map[string]string{
	"wrong-architecture":    {"go version": `GOARCH=arm64`, "file": `aarch64`, "syft": `"GOARCH",\s*"value": ?"arm64"`},
	"needs-a-loader":        {"go version": `-buildmode=pie`, "file": `interpreter /`, "checksec": `PIE enabled`, "syft": `"-buildmode",\s*"value": ?"pie"`},
	"old-go-line":           {"go version": `containermaxprocs=0`, "syft": `containermaxprocs=0`},
	"coverage":              {"go version": `-cover=true`, "syft": `"-cover",\s*"value": ?"true"`},
	"host-paths":            {"go version": `!-trimpath=true`, "syft": `!-trimpath`},
	"unstripped-dockerfile": {"go version": `!-trimpath=true`, "file": `not stripped`, "checksec": `,Symbols,`, "crane": `!"User"`, "syft": `!-trimpath`},
	"packed":                {"file": `no section header`, "syft": `!goCompiledVersion`},
	"garbled":               {"go version": `unknown`, "syft": `!goCompiledVersion`},
	"forged-cgo":            {"file": `interpreter /`, "checksec": `Partial RELRO`, "syft": `libseccomp`},
	"no-build-info":         {"syft": `!goCompiledVersion`},
	"edited-memory-label":   {"crane": `memory\.max":"1073741824"`, "syft": `memory\.max": ?"1073741824"`},
	"hook-not-there":        {"crane": `auto:90%`},
	"bad-gomemlimit":        {"crane": `GOMEMLIMIT=1G`},
	"memory-over-limit":     {"crane": `GOMEMLIMIT=805306368`},
	"root-user":             {"crane": `"User":"0:0"`},
	"volume-over-cgroup":    {"crane": `"/sys/fs/cgroup"`},
}

// verdict of a tool on an image.
type verdict string

const (
	caught  verdict = "**fails**"
	shown   verdict = "shows it"
	nothing verdict = "–"
	cannot  verdict = "n/a"
)

// judge compares a tool's run on a broken image with its run on a good one of the same
// kind: another exit code is a catch; a fact that stands in the one output and not in the
// other is shown.
func judge(fact string, broken, good run) verdict {
	switch {
	case broken.missing:
		return cannot
	case broken.code != good.code:
		return caught
	case fact == "":
		return nothing
	}
	pattern, absent := strings.CutPrefix(fact, "!")
	re := regexp.MustCompile(pattern)
	if in := re.MatchString(broken.output) != absent; in && re.MatchString(good.output) == absent {
		return shown
	}
	return nothing
}

// peer is the good row that a broken one is compared with.
func peer(row corpus.Row) string {
	switch row.Name {
	case "unstripped-dockerfile", "no-roots", "forged-cgo":
		return "foreign"
	}
	return "good"
}
