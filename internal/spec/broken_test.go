package spec

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with a file, which -update writes.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// summary is the stable part of each problem: rule, place, key path, suggestion.
func summary(errs Errors) string {
	var b strings.Builder
	for _, e := range errs {
		line := fmt.Sprintf("%s %d:%d %s", e.Rule, e.Position.Line, e.Position.Column, e.Path)
		if e.Suggestion != "" {
			line += " -> " + e.Suggestion
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

func parseErrors(t *testing.T, file string, data []byte) Errors {
	t.Helper()
	doc, err := Parse(file, data)
	var errs Errors
	if !errors.As(err, &errs) || doc != nil {
		t.Fatalf("Parse(%s) = %v, %v; want no document and Errors", file, doc, err)
	}
	return errs
}

// TestBroken parses every broken spec; NAME.want says what must be found, one
// problem a line.
func TestBroken(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil || len(files) < 65 {
		t.Fatalf("%d broken specs, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			errs := parseErrors(t, filepath.Base(file), data)
			golden(t, strings.TrimSuffix(file, ".yaml")+".want", summary(errs))
			for _, e := range errs {
				checkError(t, data, e)
			}
		})
	}
}

// checkError checks what holds for every problem.
func checkError(t *testing.T, data []byte, e *Error) {
	t.Helper()
	if e.Rule == "" || e.Message == "" || e.File == "" {
		t.Errorf("incomplete error %+v", e)
	}
	if strings.ContainsFunc(e.Error(), func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' }) {
		t.Errorf("control characters in %q", e.Error())
	}
	if len(data) > maxDocument {
		return
	}
	lines := newSource(data).lines
	if e.Position.Line < 1 || e.Position.Line > len(lines) {
		t.Errorf("line %d of %d: %v", e.Position.Line, len(lines), e)
	} else if c := e.Position.Column; c < 1 || c > len(lines[e.Position.Line-1])+1 {
		t.Errorf("column %d outside of the line: %v", c, e)
	}
	if !strings.Contains(e.Excerpt, fmt.Sprintf("> %d |", e.Position.Line)) && !strings.Contains(e.Excerpt, fmt.Sprintf(">  %d |", e.Position.Line)) {
		t.Errorf("the excerpt does not mark line %d:\n%s", e.Position.Line, e.Excerpt)
	}
}

// TestMessages shows whole messages as a user sees them.
func TestMessages(t *testing.T) {
	var b strings.Builder
	for _, name := range []string{"everywhere", "syntax-tab", "unknown-key-elsewhere", "not-yet", "control"} {
		data, err := os.ReadFile("testdata/broken/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "== %s\n%v\n", name, parseErrors(t, name+".yaml", data))
	}
	golden(t, "testdata/messages.golden", b.String())
}
