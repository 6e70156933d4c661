// Command bench builds a generated service by Plimsoll, by Dockerfiles and by ko, in turn
// and in one run, and writes what it measured as a page of ratios. It uses what everyone
// can use (buildx, ko, the plimsoll command, a registry), so that it measures any state of
// the build graph; it knows nothing of its vertices.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/plimsoll-build/plimsoll/internal/bench/figures"
)

// options are the flags.
type options struct {
	runs, coldRuns int
	cases, peers   string
	without        string
	quick, keep    bool
	page, raw      string
}

func main() {
	var o options
	flag.IntVar(&o.runs, "runs", 3, "runs of fresh and warm cases")
	flag.IntVar(&o.coldRuns, "cold-runs", 1, "runs of what is slow: cold, one line in main, a dependency bumped, a Dockerfile after an edit")
	flag.StringVar(&o.cases, "cases", "", "only cases with one of these comma-separated words in their names")
	flag.StringVar(&o.peers, "peers", "", "only peers with one of these comma-separated words in their names")
	flag.StringVar(&o.without, "floor-without", "", "comma-separated digests, or their beginnings, of cache layers that are not the floor's")
	flag.BoolVar(&o.quick, "quick", false, "a tiny service, to try the benchmark itself")
	flag.BoolVar(&o.keep, "keep", false, "keep the generated service and the caches of this machine")
	flag.StringVar(&o.page, "o", "docs/benchmarks.md", "the page to write")
	flag.StringVar(&o.raw, "json", "docs/benchmarks.json", "the raw figures to write")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := bench(ctx, o); err != nil {
		log.Fatal(err)
	}
}

func bench(ctx context.Context, o options) (err error) {
	if o.runs < 1 || o.coldRuns < 1 {
		return errors.New("-runs and -cold-runs are at least 1")
	}
	r, err := newRunner(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	for _, phase := range []func(context.Context) error{r.cold, r.warm, r.local, r.fresh, r.second, r.floor} {
		if err := phase(ctx); err != nil {
			return err
		}
		// An hour's figures are not lost with the next phase: what is missing is "not measured".
		if err := write(o, r.report); err != nil {
			return err
		}
	}
	return nil
}

// write writes the page and the figures, whose steps would make them large: of those the
// page shows one build for each peer.
func write(o options, report figures.Report) error {
	page := report.Page()
	report.Figures = slices.Clone(report.Figures)
	for i := range report.Figures {
		report.Figures[i].Steps = nil
	}
	raw, err := json.MarshalIndent(report, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(o.page, []byte(page), 0o644); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	if err := os.WriteFile(o.raw, append(raw, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing the figures: %w", err)
	}
	return nil
}

// wanted says whether a name has one of the words.
func wanted(words, name string) bool {
	for word := range strings.SplitSeq(words, ",") {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
