package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll-build/plimsoll/internal/corpus"
	"github.com/plimsoll-build/plimsoll/internal/testenv"
)

// judgement is the JSON report of one image, as its readers see it.
type judgement struct {
	Platform string
	Results  []struct {
		Rule, Verdict, Reason string
		Findings              []struct{ Where, Got, Want string }
	}
}

// rules are those with the verdict, in the order of the report.
func (j judgement) rules(verdict string) []string {
	var found []string
	for _, r := range j.Results {
		if r.Verdict == verdict {
			found = append(found, r.Rule)
		}
	}
	return found
}

// verdict is that of one rule.
func (j judgement) verdict(rule string) string {
	for _, r := range j.Results {
		if r.Rule == rule {
			return r.Verdict
		}
	}
	return "absent"
}

// judged is what the command says of an image, which it must be able to read.
func judged(t *testing.T, env []string, args ...string) []judgement {
	t.Helper()
	res := verifyCommand(t, env, append([]string{"--format", "json"}, args...)...)
	var report struct {
		OK     bool
		Images []judgement
	}
	if err := json.Unmarshal([]byte(res.stdout), &report); err != nil {
		t.Fatalf("exit code %d: %v\n%s%s", res.code, err, res.stdout, res.stderr)
	}
	if want := map[bool]int{true: 0, false: 1}[report.OK]; res.code != want {
		t.Errorf("exit code %d, want %d", res.code, want)
	}
	return report.Images
}

// corpusCache is beside the bed's own.
func corpusCache(t *testing.T) corpus.Cache {
	t.Helper()
	dir, err := testenv.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return corpus.Cache(filepath.Join(dir, "corpus"))
}

var made struct {
	sync.Once
	dir string
	err error
}

// corpusDir holds the layouts of the corpus, made once for all tests.
func corpusDir(t *testing.T) string {
	t.Helper()
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	made.Do(func() {
		made.dir = filepath.Join(filepath.Dir(bin), "corpus")
		made.err = corpus.Make(t.Context(), corpus.Options{Plimsoll: bin, Dir: made.dir, Cache: corpusCache(t)})
	})
	if made.err != nil {
		t.Fatal(made.err)
	}
	return made.dir
}

// removeMade removes the command and the corpus, if they were made.
func removeMade() {
	if made.dir != "" {
		_ = os.RemoveAll(filepath.Dir(made.dir))
	}
}

// TestCorpus holds the command against the corpus: exactly the listed rules fail, warn or
// are unknown, and nothing else.
func TestCorpus(t *testing.T) {
	dir := corpusDir(t)
	broken := map[string]bool{}
	for _, row := range corpus.Rows() {
		t.Run(row.Name, func(t *testing.T) {
			j := judged(t, nil, "oci:"+filepath.Join(dir, row.Name))[0]
			for verdict, want := range map[string][]string{"fail": row.Fails, "warn": row.Warns, "unknown": row.Unknown} {
				if diff := cmp.Diff(want, j.rules(verdict)); diff != "" {
					t.Errorf("%s: %s", verdict, diff)
				}
			}
			for _, r := range j.Results {
				if r.Verdict == "fail" && len(r.Findings) == 0 || r.Verdict == "unknown" && r.Reason == "" {
					t.Errorf("%s: %s without evidence", r.Rule, r.Verdict)
				}
			}
		})
		for _, rule := range slices.Concat(row.Fails, row.Warns) {
			broken[rule] = true
		}
	}
	if len(broken) < 15 {
		t.Errorf("only %d rules are broken by the corpus", len(broken))
	}
}
