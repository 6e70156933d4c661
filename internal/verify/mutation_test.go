package verify_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll-build/plimsoll/internal/verify"
)

// allMutations is the environment variable of the long mode: each bit of each field is
// flipped, of the two largest a sample. With -update it writes the table anew.
const allMutations = "PLIMSOLL_ALL_MUTATIONS"

// Flips of a field: of most at most so many in the long mode, and so many in the short one.
const (
	mostFlips   = 6000
	sampleFlips = 5
)

// unreadable stands for the rule where a flip leaves nothing to judge: exit code 2.
const unreadable = "(not read)"

// mutationRow is a row of testdata/mutations.json: what flips of single bits of a field do
// to an image that passes every rule. Digests, DiffIDs and the manifest fit again after
// each flip, so that they catch nothing.
type mutationRow struct {
	Field string `json:"field"`
	// Each are the rules that do not pass any more after any flip, Some those after some.
	Each []string `json:"each"`
	Some []string `json:"some"`
	// Flips were tried, of as many Bits. After Warned of them the image is still ok, with a
	// warning; Chain of them no rule sees: a pinned digest, a signature or a rebuild would.
	Bits   int `json:"bits"`
	Flips  int `json:"flips"`
	Warned int `json:"warned"`
	Chain  int `json:"chain"`
}

func mutationRows(t *testing.T) []mutationRow {
	data, err := os.ReadFile("testdata/mutations.json")
	check(t, err)
	var rows []mutationRow
	check(t, json.Unmarshal(data, &rows))
	return rows
}

// seen is what one flip did.
type seen struct {
	bit  int
	lost []string // rules that do not pass any more
	ok   bool     // the report, still
}

// tryFlip judges the image with one bit flipped.
func tryFlip(t *testing.T, p *parts, f field, bit int, rules []string) seen {
	mutant := *p
	if f.program || strings.HasPrefix(f.name, "layer:") {
		mutant.layers = [][]byte{slices.Clone(p.layers[0]), slices.Clone(p.layers[1])}
	}
	f.flip(&mutant, bit)
	report, err := verify.Image(t.Context(), mutant.subject(t))
	if err != nil {
		return seen{bit: bit, lost: []string{unreadable}}
	}
	complete(t, report)
	var lost []string
	for _, res := range report.Results {
		if slices.Contains(rules, res.Rule) && res.Verdict != pass {
			lost = append(lost, res.Rule)
		}
	}
	return seen{bit, lost, report.OK()}
}

// bitsOf are the bits to flip: all, or a seeded sample.
func (f field) bitsOf(n int) []int {
	r := rand.New(rand.NewPCG(7, uint64(f.bits)))
	bits := r.Perm(f.bits)
	return bits[:min(n, f.bits)]
}

// tryFlips judges flips of a field on all processors.
func tryFlips(t *testing.T, p *parts, f field, bits []int, rules []string) []seen {
	results := make([]seen, len(bits))
	var wg sync.WaitGroup
	for worker := range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := worker; i < len(bits); i += runtime.GOMAXPROCS(0) {
				results[i] = tryFlip(t, p, f, bits[i], rules)
			}
		})
	}
	wg.Wait()
	return results
}

// rowOf counts what flips did, with rules in the order of the table.
func rowOf(f field, results []seen) mutationRow {
	row := mutationRow{Field: f.name, Bits: f.bits, Flips: len(results), Each: []string{}, Some: []string{}}
	counts := map[string]int{}
	for _, s := range results {
		for _, rule := range s.lost {
			counts[rule]++
		}
		switch {
		case len(s.lost) == 0:
			row.Chain++
		case s.ok:
			row.Warned++
		}
	}
	rules := []string{unreadable}
	for _, r := range verify.Rules() {
		rules = append(rules, r.Name)
	}
	for _, rule := range rules {
		switch counts[rule] {
		case 0:
		case len(results):
			row.Each = append(row.Each, rule)
		default:
			row.Some = append(row.Some, rule)
		}
	}
	return row
}

// TestMutations flips seeded bits of every field and demands that what sees them is what
// the table says. What no rule sees, only the digest chain of a pinned reference can: such
// flips are counted apart.
func TestMutations(t *testing.T) {
	p := partsOf(t)
	if size := len(p.layers[0]) + len(p.layers[1]); size > 2<<20 {
		t.Errorf("the image has %d bytes, more than 2 MiB", size)
	}
	whole, err := verify.Image(t.Context(), p.subject(t))
	check(t, err)
	if bad := verdicts(whole, fail, warn, unknown); len(bad) > 0 {
		t.Fatalf("the whole image: %v %+v", bad, whole.Results)
	}
	rules, all := verdicts(whole, pass), fields(t)
	if os.Getenv(allMutations) != "" {
		testAllMutations(t, p, all, rules)
		return
	}
	rows := mutationRows(t)
	if len(rows) != len(all) {
		t.Fatalf("the table has %d rows, the image %d fields: %s=1 go test -run TestMutations -update", len(rows), len(all), allMutations)
	}
	for i, f := range all {
		agree(t, rows[i], f, tryFlips(t, p, f, f.bitsOf(sampleFlips), rules))
	}
}

// agree holds what flips did against the row. What else sees a flip of the program's bytes,
// and which of them is seen at all, may differ by the compiler's release.
func agree(t *testing.T, row mutationRow, f field, results []seen) {
	t.Helper()
	if row.Field != f.name {
		t.Errorf("the table has a row %q where the image has %q", row.Field, f.name)
		return
	}
	for _, s := range results {
		for _, rule := range row.Each {
			if !slices.Contains(s.lost, rule) {
				t.Errorf("%s, bit %d: %s passes; lost %v", f.name, s.bit, rule, s.lost)
			}
		}
		for _, rule := range s.lost {
			if !f.program && !slices.Contains(row.Each, rule) && !slices.Contains(row.Some, rule) {
				t.Errorf("%s, bit %d: %s does not pass, which the table does not say", f.name, s.bit, rule)
			}
		}
		if row.Chain == 0 && len(s.lost) == 0 {
			t.Errorf("%s, bit %d: no rule sees it", f.name, s.bit)
		}
		if row.Warned == 0 && len(s.lost) > 0 && s.ok && !f.program {
			t.Errorf("%s, bit %d: only a warning: %v", f.name, s.bit, s.lost)
		}
	}
}

func testAllMutations(t *testing.T, p *parts, all []field, rules []string) {
	var rows []mutationRow
	for _, f := range all {
		rows = append(rows, rowOf(f, tryFlips(t, p, f, f.bitsOf(mostFlips), rules)))
		t.Logf("%+v", rows[len(rows)-1])
	}
	if *update {
		data, err := json.MarshalIndent(rows, "", "  ")
		check(t, err)
		check(t, os.WriteFile("testdata/mutations.json", append(data, '\n'), 0o644))
		return
	}
	if diff := cmp.Diff(mutationRows(t), rows); diff != "" {
		t.Error(diff)
	}
}
