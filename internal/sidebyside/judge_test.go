package main

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/corpus"
)

func TestJudge(t *testing.T) {
	good := run{output: "-trimpath=true GOARCH=amd64"}
	tests := []struct {
		name, fact string
		broken     run
		want       verdict
	}{
		{"another exit code", "", run{code: 1}, caught},
		{"another exit code counts before a fact", `arm64`, run{output: "GOARCH=arm64", code: 1}, caught},
		{"the fact is there", `GOARCH=arm64`, run{output: "GOARCH=arm64"}, shown},
		{"the fact is not there", `GOARCH=arm64`, run{output: "nothing"}, nothing},
		{"the fact is in the good output, too", `GOARCH`, run{output: "GOARCH=arm64"}, nothing},
		{"something is gone", `!-trimpath=true`, run{output: "GOARCH=amd64"}, shown},
		{"nothing is gone", `!-trimpath=true`, run{output: "-trimpath=true"}, nothing},
		{"gone from the good output, too", `!-race`, run{output: "GOARCH=amd64"}, nothing},
		{"no fact", "", run{output: "other"}, nothing},
		{"no form that the tool takes", "", run{missing: true}, cannot},
	}
	for _, tt := range tests {
		if got := judge(tt.fact, tt.broken, good); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// Each fact is of a row and a tool that there are, and can be looked for.
func TestFactsAreAlive(t *testing.T) {
	var rows []string
	for _, r := range corpus.Rows() {
		rows = append(rows, r.Name)
	}
	columns := []string{"go version", "file", "checksec", "crane", "dive", "syft"}
	for row, byTool := range facts {
		if !slices.Contains(rows, row) {
			t.Errorf("no row %s", row)
		}
		for tool, fact := range byTool {
			if !slices.Contains(columns, tool) {
				t.Errorf("%s: no tool %s", row, tool)
			}
			if _, err := regexp.Compile(strings.TrimPrefix(fact, "!")); err != nil {
				t.Errorf("%s, %s: %v", row, tool, err)
			}
		}
	}
	for _, r := range corpus.Rows() {
		if !slices.Contains(rows, peer(r)) {
			t.Errorf("%s is compared with %s, which is not there", r.Name, peer(r))
		}
	}
}

func TestRulesCell(t *testing.T) {
	tests := map[string]run{
		"–":                                     {output: "pass     static  no PT_INTERP\n"},
		"**fails**; fail static":                {output: "fail     static  /app\n         got PT_INTERP\npass     cgo\n", code: 1},
		"fail roots":                            {output: "fail     roots\n"},
		"**fails**; unknown 5 rules; warn user": {output: "unknown  a\nunknown  b\nunknown  c\nunknown  d\nunknown  e\nwarn     user\n", code: 1},
	}
	for want, r := range tests {
		if got := rules(corpus.Row{}, r); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// The page is written from runs alone.
func TestWrite(t *testing.T) {
	tools := []tool{{name: "plimsoll"}, {name: "file", version: "5.44", command: "file"}}
	subjects := []*subject{{row: corpus.Row{Name: "good"}}, {row: corpus.Row{Name: "needs-a-loader", How: "pie"}}}
	runs := map[string]map[string]run{
		"plimsoll": {"good": {}, "needs-a-loader": {output: "fail static\n", code: 1}},
		"file":     {"good": {output: "ELF"}, "needs-a-loader": {output: "ELF, interpreter /lib64/ld"}},
	}
	var buf bytes.Buffer
	write(&buf, tools, subjects, runs)
	for _, line := range []string{"| good |  | – | – |", "| needs-a-loader | pie | **fails**; fail static | shows it |", "| file | 5.44 | `file` |", "| needs-a-loader | file | `interpreter /` |"} {
		if !strings.Contains(buf.String(), line+"\n") {
			t.Errorf("the page lacks %s:\n%s", line, &buf)
		}
	}
}

// The page that is committed is of the corpus as it is: each row stands there, with what
// plimsoll is expected to say of it.
func TestPageIsCurrent(t *testing.T) {
	page, err := os.ReadFile("../../docs/verify-side-by-side.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range corpus.Rows() {
		var out strings.Builder
		for verdict, names := range map[string][]string{"fail": row.Fails, "warn": row.Warns, "unknown": row.Unknown} {
			for _, name := range names {
				out.WriteString(verdict + " " + name + "\n")
			}
		}
		cell := strings.TrimPrefix(rules(row, run{output: out.String()}), string(nothing))
		line, ok := lineOf(string(page), "| "+row.Name+" | "+row.How+" | ")
		if !ok || !strings.Contains(line, cell) {
			t.Errorf("the page is not current: run make side-by-side; for %s it has %q, want %q", row.Name, line, cell)
		}
	}
}

func lineOf(page, start string) (string, bool) {
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, start) {
			return line, true
		}
	}
	return "", false
}
