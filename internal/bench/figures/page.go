package figures

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// shown are the peers, and whom each is compared with.
var shown = []struct{ peer, against string }{
	{Plimsoll, Mounts}, {Mounts, Mounts}, {Syntax, Mounts}, {Layers, Mounts},
	{Embedded, KoCache}, {EmbeddedZstd, KoCache}, {KoCache, KoCache}, {Ko, KoCache}, {Host, Host},
}

// Page is the report as Markdown.
func (r *Report) Page() string {
	var b strings.Builder
	b.WriteString("# Benchmarks\n\n<!-- written by `make bench`; do not edit -->\n\n")
	b.WriteString("All peers run in turn within one run, on one machine, with the same Go and the same toolchain image, and push to a\nregistry on loopback; modules come from a proxy on loopback. On warm builders each run begins with another peer. Seconds\nmean nothing on another machine; ratios do.\n\n")
	r.writeTargets(&b)
	r.writeCases(&b)
	r.writeSteps(&b)
	r.writeSetting(&b)
	return b.String()
}

func (r *Report) writeTargets(b *strings.Builder) {
	b.WriteString("## Targets\n\n| target | ratio, at most | measured, median (min–max) | |\n|---|---|---|---|\n")
	for _, t := range r.Targets() {
		verdict := "**not met**"
		if t.Met() {
			verdict = "met"
		} else if t.Got.N == 0 {
			verdict = "**not measured**"
		}
		fmt.Fprintf(b, "| %s | %.2f | %s | %s |\n", t.Words, t.Limit, ratioText(t.Got), verdict)
	}
	b.WriteString("\n")
}

func (r *Report) writeCases(b *strings.Builder) {
	b.WriteString("## Cases\n\nSeconds are medians (min–max). The ratio of a BuildKit peer is against the Dockerfile with cache mounts, that of the others\nagainst ko with KOCACHE. MB are of one build: from the registry, to it, from the module proxy.\n")
	for _, c := range Cases {
		head := false
		for _, s := range shown {
			seconds := r.Seconds(c, s.peer)
			if seconds.N == 0 {
				continue
			}
			if !head {
				fmt.Fprintf(b, "\n### %s\n\n| | seconds | runs | ratio | MB pulled | MB pushed | MB modules |\n|---|---|---|---|---|---|---|\n", c)
				head = true
			}
			f := median(r.Of(c, s.peer))
			fmt.Fprintf(b, "| %s | %.1f (%.1f–%.1f) | %d | %s | %s | %s | %s |\n", s.peer, seconds.Median, seconds.Min, seconds.Max, seconds.N,
				ratioText(r.Ratio(c, s.peer, s.against)), megabytes(f.Pulled), megabytes(f.Pushed), megabytes(f.Modules))
		}
	}
	b.WriteString("\n")
}

// median is the figure in the middle by seconds.
func median(figures []Figure) Figure {
	sorted := slices.SortedFunc(slices.Values(figures), func(a, b Figure) int { return cmp.Compare(a.Seconds, b.Seconds) })
	return sorted[(len(sorted)-1)/2]
}

// briefest is the shortest step that the page shows, in seconds.
const briefest = 0.05

func (r *Report) writeSteps(b *strings.Builder) {
	for _, c := range []string{FreshLeaf, WarmLeaf, WarmNothing} {
		for _, peer := range []string{Plimsoll, Mounts, Layers} {
			if figures := r.Of(c, peer); len(figures) > 0 {
				writeStepsOf(b, peer, median(figures))
			}
		}
	}
}

func writeStepsOf(b *strings.Builder, peer string, f Figure) {
	fmt.Fprintf(b, "## Where each second goes: %s, %s\n\nThe run of the median, %.2f s. Steps overlap; below %.2f s they are left out.\n\n| from | seconds | step |\n|---|---|---|\n", f.Case, peer, f.Seconds, briefest)
	for _, s := range f.Steps {
		if s.Seconds >= briefest {
			fmt.Fprintf(b, "| %.2f | %.2f | %s |\n", s.Start, s.Seconds, strings.ReplaceAll(s.Name, "|", `\|`))
		}
	}
	b.WriteString("\n")
}

func (r *Report) writeSetting(b *strings.Builder) {
	b.WriteString("## Setting\n\n| | |\n|---|---|\n")
	fmt.Fprintf(b, "| service | %d own packages, %d own lines, %d packages of other modules |\n", r.Service.OwnPackages, r.Service.OwnLines, r.Service.OtherPackages)
	fmt.Fprintf(b, "| machine | %s, %d cores, %s MB, Linux %s |\n", r.Machine.CPU, r.Machine.Cores, megabytes(r.Machine.Memory), r.Machine.Kernel)
	for _, v := range r.Versions {
		fmt.Fprintf(b, "| %s | %s |\n", v.Of, v.Version)
	}
	fmt.Fprintf(b, "| frontend image, compressed | %s MB |\n", megabytes(r.FrontendBytes))
	b.WriteString(setting)
}

const setting = `
A fresh daemon is a new process with a new root; its start is not counted. What the module proxy serves is in memory. The
registry cache is exported by another daemon with mode=max and zstd. The Dockerfiles are built through buildx by BuildKit's
own frontend, which runs inside the daemon; with "# syntax=docker/dockerfile:1" by the same frontend in a container, as
Plimsoll's is. The images are pushed with zstd; ko compresses with gzip, and so does the embedded engine unless asked for
zstd. The floor is the time to download and unpack those layers of Plimsoll's cache that an edited line leaves as they are,
one after the other in one process, plus a go build of the edited line on this machine with a warm build cache and the
plan's flags.
`

func ratioText(s Spread) string {
	if s.N == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f (%.2f–%.2f)", s.Median, s.Min, s.Max)
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f", float64(n)/1e6) }
