// Package figures is what the benchmark measured: the raw figures, their medians and
// ratios, the targets, and the page that shows them. It measures nothing and knows neither
// clock nor disk.
package figures

import (
	"cmp"
	"slices"
)

// The peers.
const (
	Plimsoll = "plimsoll, BuildKit"
	Mounts   = "Dockerfile with cache mounts"
	Syntax   = "the same with a syntax line"
	Layers   = "Dockerfile with layers"
	Embedded = "plimsoll, embedded"
	// EmbeddedZstd is what ko has nothing like: no target asks for it.
	EmbeddedZstd = "plimsoll, embedded, zstd"
	KoCache      = "ko, KOCACHE"
	Ko           = "ko"
	Host         = "this machine"
)

// The cases.
const (
	Cold         = "cold"
	ColdTwo      = "cold, two platforms"
	Export       = "cache exported"
	FreshNothing = "fresh daemon, nothing changed"
	FreshCommit  = "fresh daemon, only the commit changed"
	FreshLeaf    = "fresh daemon, one line in a leaf"
	FreshMain    = "fresh daemon, one line in main"
	FreshBump    = "fresh daemon, a dependency bumped"
	WarmNothing  = "warm, nothing changed"
	WarmLeaf     = "warm, one line in a leaf"
	Second       = "second service of the module"
	SecondCache  = "cache exported with the second service"
	Unpack       = "floor: pull and unpack"
	GoBuild      = "floor: go build, one line in a leaf"
)

// Cases are all of them, in the order of the page.
var Cases = []string{Cold, ColdTwo, Export, FreshNothing, FreshCommit, FreshLeaf, FreshMain, FreshBump, WarmNothing, WarmLeaf, Second, SecondCache, Unpack, GoBuild}

// Step is a vertex of a build.
type Step struct {
	Name string `json:"name"`
	// Start and Seconds are counted from the build's first event.
	Start   float64 `json:"start"`
	Seconds float64 `json:"seconds"`
	Cached  bool    `json:"cached,omitempty"`
}

// Figure is one build.
type Figure struct {
	Case    string  `json:"case"`
	Peer    string  `json:"peer"`
	Run     int     `json:"run"`
	Seconds float64 `json:"seconds"`
	// Pulled and Pushed are bytes from and to the registry, Modules from the module proxy.
	Pulled  int64  `json:"pulled"`
	Pushed  int64  `json:"pushed"`
	Modules int64  `json:"modules"`
	Steps   []Step `json:"steps,omitempty"`
}

// Machine is where the figures were taken.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Memory int64  `json:"memory"` // bytes
	Kernel string `json:"kernel"`
}

// Service is the size of what was built.
type Service struct {
	OwnPackages   int `json:"ownPackages"`
	OwnLines      int `json:"ownLines"`
	OtherPackages int `json:"otherPackages"`
}

// Version is a program or image and its version.
type Version struct {
	Of      string `json:"of"`
	Version string `json:"version"`
}

// Report is a whole run of the benchmark.
type Report struct {
	Machine  Machine   `json:"machine"`
	Versions []Version `json:"versions"`
	Service  Service   `json:"service"`
	// FrontendBytes is the compressed size of the frontend image.
	FrontendBytes int64    `json:"frontendBytes"`
	Figures       []Figure `json:"figures"`
}

// Of are the figures of a case and a peer, in the order of their runs.
func (r *Report) Of(c, peer string) []Figure {
	var out []Figure
	for _, f := range r.Figures {
		if f.Case == c && f.Peer == peer {
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(a, b Figure) int { return cmp.Compare(a.Run, b.Run) })
	return out
}

// Spread is a median with its extremes and how many figures it is of; N is 0 if there is
// nothing to say.
type Spread struct {
	Median, Min, Max float64
	N                int
}

// SpreadOf sorts a copy; the median of an even number is the mean of the middle two.
func SpreadOf(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return Spread{(v[(n-1)/2] + v[n/2]) / 2, v[0], v[n-1], n}
}

// Seconds are the times of a case and a peer.
func (r *Report) Seconds(c, peer string) Spread {
	return SpreadOf(seconds(r.Of(c, peer)))
}

func seconds(figures []Figure) []float64 {
	out := make([]float64, len(figures))
	for i, f := range figures {
		out[i] = f.Seconds
	}
	return out
}

// Ratio is what a peer takes against another of the same run, run by run.
func (r *Report) Ratio(c, peer, against string) Spread {
	return ratio(r.Of(c, peer), r.Of(c, against))
}

func ratio(a, b []Figure) Spread {
	var out []float64
	for _, f := range a {
		for _, g := range b {
			if f.Run == g.Run && g.Seconds > 0 {
				out = append(out, f.Seconds/g.Seconds)
			}
		}
	}
	return SpreadOf(out)
}

// best is the peer of the lowest median.
func (r *Report) best(c string, of ...string) string {
	return slices.MinFunc(of, func(a, b string) int {
		x, y := r.Seconds(c, a), r.Seconds(c, b)
		if (x.N == 0) != (y.N == 0) {
			return cmp.Compare(y.N, x.N)
		}
		return cmp.Compare(x.Median, y.Median)
	})
}
