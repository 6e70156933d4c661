package figures

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the goldens anew")

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   Spread
	}{
		{nil, Spread{}},
		{[]float64{3}, Spread{3, 3, 3, 1}},
		{[]float64{9, 1, 2}, Spread{2, 1, 9, 3}},
		{[]float64{4, 1, 2, 9}, Spread{3, 1, 9, 4}},
	} {
		if got := SpreadOf(c.values); got != c.want {
			t.Errorf("SpreadOf(%v) is %v, not %v", c.values, got, c.want)
		}
	}
}

// recorded is a run with some targets met, some missed and some without figures.
func recorded() *Report {
	r := &Report{
		Machine:  Machine{"Some CPU", 2, 24e9, "6.1.0"},
		Versions: []Version{{"Go", "1.26.8"}}, Service: Service{93, 36000, 680}, FrontendBytes: 14.2e6,
	}
	add := func(c, peer string, seconds ...float64) {
		for i, s := range seconds {
			r.Figures = append(r.Figures, Figure{Case: c, Peer: peer, Run: i, Seconds: s, Pulled: 1e6, Pushed: 2e6})
		}
	}
	add(FreshLeaf, Plimsoll, 20, 22, 21)
	add(FreshLeaf, Mounts, 140, 150, 160)
	add(FreshLeaf, Layers, 139, 151, 170)
	add(FreshCommit, Plimsoll, 20)
	add(FreshCommit, Mounts, 100)
	add(Unpack, Host, 6, 7, 8)
	add(GoBuild, Host, 4, 7, 8)
	add(Cold, Plimsoll, 100)
	add(ColdTwo, Plimsoll, 205)
	add(WarmNothing, Embedded, 0.1)
	add(WarmNothing, KoCache, 1)
	r.Figures[0].Steps = []Step{{Name: "short", Seconds: 0.01}}
	r.Figures[2].Steps = []Step{{Name: "compile a|b", Start: 1.5, Seconds: 3}, {Name: "short", Seconds: 0.01}}
	return r
}

func TestTargets(t *testing.T) {
	met := map[float64]bool{}
	for _, target := range recorded().Targets() {
		met[target.Limit] = met[target.Limit] || target.Met()
	}
	want := map[float64]bool{1.6: true, 1. / 6: true, 1. / 10: false, 1.3: false, 1: false, 0.15: true, 0.9: false, 2.1: true}
	if diff := cmp.Diff(want, met); diff != "" {
		t.Error(diff)
	}
}

func TestPage(t *testing.T) {
	const golden = "testdata/page.golden.md"
	got := recorded().Page()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}
