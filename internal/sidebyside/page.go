package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/corpus"
)

const intro = `# verify beside other tools

<!-- written by ` + "`make side-by-side`" + ` (internal/sidebyside), from running the tools; do not edit -->

Each row is an image of [internal/corpus](../internal/corpus), broken in one property by code; each column is a tool that
was run on it. None of the others is made for this: they list, measure or check what an image holds, and do that well. The
table says which faults of a Go service's image somebody notices who runs them.

| cell | rule |
|---|---|
| **fails** | the tool's exit code on this image is another than on the good image of the same kind: a pipeline stops by itself |
| shows it | the exit code is the same, and the output holds the fact of the second table, which the output for the good image does not: a reader notices who looks for it and knows what is right |
| – | neither |
| n/a | the tool could not be given the image: no program could be extracted from it |

The good image that a row is compared with is ` + "`good`" + `, or ` + "`foreign`" + ` for those that are not built by plimsoll. For plimsoll
verify the cell names the rules that fail, warn or are unknown.

`

const outro = `
## What could not be run

container-structure-test, dockle, trivy, diffoci and apko were not to be had from the Go module proxy when this page was
made, hadolint and docker scout are not Go modules, grype and govulncheck need a database from the network. They are
therefore not in the table, and nothing is claimed of them.
`

// write writes the page.
func write(w io.Writer, tools []tool, subjects []*subject, runs map[string]map[string]run) {
	fmt.Fprint(w, intro)
	others := tools[1:]
	fmt.Fprint(w, "| image | what is wrong | plimsoll verify")
	for _, t := range others {
		fmt.Fprintf(w, " | %s", t.name)
	}
	fmt.Fprintf(w, " |\n|---|---|---%s|\n", strings.Repeat("|---", len(others)))
	for _, s := range subjects {
		fmt.Fprintf(w, "| %s | %s | %s", s.row.Name, s.row.How, rules(s.row, runs["plimsoll"][s.row.Name]))
		for _, t := range others {
			good := runs[t.name][peer(s.row)]
			fmt.Fprintf(w, " | %s", judge(facts[s.row.Name][t.name], runs[t.name][s.row.Name], good))
		}
		fmt.Fprint(w, " |\n")
	}
	fmt.Fprint(w, "\n## The tools\n\n| tool | version | command |\n|---|---|---|\n")
	for _, t := range tools {
		fmt.Fprintf(w, "| %s | %s | `%s` |\n", t.name, t.version, t.command)
	}
	fmt.Fprint(w, "\n## The facts\n\nRegular expressions; with a ! in front, what the output lacks.\n\n| image | tool | in the output |\n|---|---|---|\n")
	for _, s := range subjects {
		for _, name := range slices.Sorted(maps.Keys(facts[s.row.Name])) {
			fmt.Fprintf(w, "| %s | %s | `%s` |\n", s.row.Name, name, strings.ReplaceAll(facts[s.row.Name][name], "|", `\|`))
		}
	}
	fmt.Fprint(w, outro)
}

// rules is the cell of plimsoll itself, from what it printed: the lines of its table
// begin with the verdict and the rule.
func rules(row corpus.Row, r run) string {
	found := map[string][]string{}
	for line := range strings.Lines(r.output) {
		fields := strings.Fields(line)
		if len(fields) > 1 && slices.Contains([]string{"fail", "warn", "unknown"}, fields[0]) {
			found[fields[0]] = append(found[fields[0]], fields[1])
		}
	}
	cell := []string{}
	if r.code != 0 {
		cell = append(cell, string(caught))
	}
	for _, v := range []string{"fail", "unknown", "warn"} {
		if len(found[v]) > 0 {
			cell = append(cell, v+" "+some(found[v]))
		}
	}
	if len(cell) == 0 {
		return string(nothing)
	}
	return strings.Join(cell, "; ")
}

// some names rules, and counts them where there are many.
func some(names []string) string {
	const many = 4
	if len(names) > many {
		return fmt.Sprintf("%d rules", len(names))
	}
	return strings.Join(names, ", ")
}
