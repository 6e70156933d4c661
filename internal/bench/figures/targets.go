package figures

// Target is a promise and what became of it.
type Target struct {
	// Words are the promise, in full.
	Words string
	// Limit is what the ratio may be at most.
	Limit float64
	// Got is the ratio; N is 0 if the run lacks a figure.
	Got Spread
}

// Met says whether the median keeps the promise; a target that was not measured is not met.
func (t Target) Met() bool { return t.Got.N > 0 && t.Got.Median <= t.Limit }

// Targets are the promises, judged by the medians of the ratios of each run.
func (r *Report) Targets() []Target {
	dockerfile := func(c string) string { return r.best(c, Mounts, Layers) }
	return []Target{
		{"fresh daemon, one line: at most 1.6 times the floor", 1.6, r.overFloor()},
		{"fresh daemon, one line: at least 6 times faster than the best Dockerfile", 1. / 6, r.Ratio(FreshLeaf, Plimsoll, dockerfile(FreshLeaf))},
		{"fresh daemon, only the commit: at least 10 times faster than the best Dockerfile that stamps by ARG", 1. / 10, r.Ratio(FreshCommit, Plimsoll, dockerfile(FreshCommit))},
		{"cold: at most 1.3 times the best Dockerfile", 1.3, r.Ratio(Cold, Plimsoll, dockerfile(Cold))},
		{"warm, one line: not slower than the Dockerfile with cache mounts", 1, r.Ratio(WarmLeaf, Plimsoll, Mounts)},
		{"warm, nothing changed: not slower than the Dockerfile with cache mounts", 1, r.Ratio(WarmNothing, Plimsoll, Mounts)},
		{"embedded, nothing changed: at most 0.15 of ko", 0.15, r.Ratio(WarmNothing, Embedded, r.best(WarmNothing, Ko, KoCache))},
		{"embedded, one line: at most 0.9 of ko", 0.9, r.Ratio(WarmLeaf, Embedded, r.best(WarmLeaf, Ko, KoCache))},
		{"the same with zstd, which ko has not", 0.9, r.Ratio(WarmLeaf, EmbeddedZstd, r.best(WarmLeaf, Ko, KoCache))},
		{"embedded, cold: not slower than ko", 1, r.Ratio(Cold, Embedded, r.best(Cold, Ko, KoCache))},
		{"cold, two platforms: at most 2.1 times one", 2.1, ratio(r.Of(ColdTwo, Plimsoll), r.Of(Cold, Plimsoll))},
	}
}

// Floor is the sum of what nothing can do without, run by run.
func (r *Report) Floor() []Figure {
	var out []Figure
	builds := r.Of(GoBuild, Host)
	for _, f := range r.Of(Unpack, Host) {
		for _, b := range builds {
			if b.Run == f.Run {
				f.Seconds += b.Seconds
				out = append(out, f)
			}
		}
	}
	return out
}

func (r *Report) overFloor() Spread { return ratio(r.Of(FreshLeaf, Plimsoll), r.Floor()) }
