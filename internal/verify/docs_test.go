package verify_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/verify"
)

const docsPage = "../../docs/verify.md"

// section replaces what stands between the two comments of a page, with -update, and
// demands that it stands there.
func section(t *testing.T, name, want string) {
	t.Helper()
	data, err := os.ReadFile(docsPage)
	check(t, err)
	before, rest, found := strings.Cut(string(data), "<!-- "+name+":")
	comment, rest, ended := strings.Cut(rest, "-->\n")
	got, after, closed := strings.Cut(rest, "<!-- end of "+name+" -->")
	if !found || !ended || !closed {
		t.Fatalf("%s has no section %s", docsPage, name)
	}
	if *update {
		page := before + "<!-- " + name + ":" + comment + "-->\n" + want + "<!-- end of " + name + " -->" + after
		check(t, os.WriteFile(docsPage, []byte(page), 0o644))
		return
	}
	if got != want {
		t.Errorf("section %s of %s is not current: go test ./internal/verify -update", name, docsPage)
	}
}

func TestRulesInDocs(t *testing.T) {
	b := new(strings.Builder)
	b.WriteString("\n| rule | severity | a pass means |\n|---|---|---|\n")
	for _, r := range verify.Rules() {
		fmt.Fprintf(b, "| [%s](#%s) | %s | %s |\n", r.Name, r.Name, r.Severity, r.Proves)
	}
	section(t, "rules", b.String()+"\n")
}

func TestBrokenImagesInDocs(t *testing.T) {
	data, err := os.ReadFile("testdata/broken.json")
	check(t, err)
	var cases []brokenCase
	check(t, json.Unmarshal(data, &cases))
	b := new(strings.Builder)
	for _, stage := range []string{"plan", "after", "index"} {
		fmt.Fprintf(b, "\n| %s | how | fails | unknown |\n|---|---|---|---|\n", map[string]string{"plan": "broken before it was sealed", "after": "edited after the build", "index": "attested in the index"}[stage])
		for _, c := range cases {
			if c.Stage != stage {
				continue
			}
			fails := cmp.Or(strings.Join(c.Fails, ", "), "–")
			if c.Warning {
				fails += " (*warning*)"
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s |\n", c.Name, c.How, fails, cmp.Or(strings.Join(c.Unknown, ", "), "–"))
		}
	}
	section(t, "broken", b.String()+"\n")
}

func TestMutationsInDocs(t *testing.T) {
	b := new(strings.Builder)
	b.WriteString("\n| flipped bit in | seen after each flip by | after some also by | flips | of these, a warning alone | seen by the digest chain alone |\n|---|---|---|---|---|---|\n")
	for _, row := range mutationRows(t) {
		flips := strconv.Itoa(row.Flips)
		if row.Flips < row.Bits {
			flips += " of " + strconv.Itoa(row.Bits)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %d | %d |\n", row.Field, shortList(row.Each), shortList(row.Some), flips, row.Warned, row.Chain)
	}
	section(t, "mutations", b.String()+"\n")
}

// shortList names a few rules; a program that cannot be read leaves a dozen unknown.
func shortList(rules []string) string {
	const most = 5
	if more := len(rules) - most; more > 1 {
		return fmt.Sprintf("%s and %d more", strings.Join(rules[:most], ", "), more)
	}
	return cmp.Or(strings.Join(rules, ", "), "–")
}
