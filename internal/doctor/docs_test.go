package doctor_test

import (
	"os"
	"strings"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/doctor"
)

// TestDocs: the page has a row for each finding, in order, and no other.
func TestDocs(t *testing.T) {
	data, err := os.ReadFile("../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	_, page, _ := strings.Cut(string(data), "## Findings\n")
	page, _, _ = strings.Cut(page, "\n\nNothing is")
	var rows []string
	for line := range strings.Lines(page) {
		if name, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " |"); ok && strings.HasPrefix(line, "| ") && name != "finding" {
			rows = append(rows, name)
		}
	}
	if got, want := strings.Join(rows, " "), strings.Join(doctor.Names(), " "); got != want {
		t.Errorf("rows %s\nwant %s", got, want)
	}
}
