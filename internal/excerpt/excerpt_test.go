package excerpt_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/excerpt"
)

func TestLine(t *testing.T) {
	text := []byte("one\r\ntw\x1b[31mo\n" + strings.Repeat("é", 200))
	for line, want := range map[int]string{
		0: "", 1: "\n> 1 | one", 2: "\n> 2 | tw\ufffd[31mo", 3: "\n> 3 | " + strings.Repeat("é", 120), 4: "",
	} {
		if got := excerpt.Line(text, line); got != want {
			t.Errorf("line %d: %q, want %q", line, got, want)
		}
	}
}

func TestYAML(t *testing.T) {
	for message, want := range map[string]string{
		"yaml: line 2: bad": "f.yaml:2: the YAML cannot be read: bad\n> 2 | b",
		"yaml: bad":         "f.yaml:1: the YAML cannot be read: bad\n> 1 | a",
		"yaml: line 9: bad": "f.yaml:9: the YAML cannot be read: bad",
	} {
		if got := excerpt.YAML("f.yaml", []byte("a\nb"), errors.New(message)).Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
