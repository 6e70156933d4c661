// Package excerpt shows where in a text a problem stands.
//
// It must not know files or grammars: a caller brings text, place and message.
package excerpt

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// maxWidth is how much of a line is shown, in runes.
const maxWidth = 120

// Error is "file:line: message" with the line below it, made safe for a terminal. Lines
// count from 1; one outside the text shows nothing.
func Error(file string, text []byte, line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w%s", file, line, fmt.Errorf(format, args...), Line(text, line))
}

// Line is a line of a text behind its number, on a line of its own.
func Line(text []byte, line int) string {
	lines := strings.Split(string(text), "\n")
	if line < 1 || line > len(lines) {
		return ""
	}
	shown := []rune(strings.TrimRight(lines[line-1], "\r"))
	shown = shown[:min(len(shown), maxWidth)]
	for i, r := range shown {
		if r != '\t' && !unicode.IsPrint(r) {
			shown[i] = unicode.ReplacementChar
		}
	}
	return fmt.Sprintf("\n> %d | %s", line, string(shown))
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

// YAML is an error of the YAML library with its place. The library leaves the line out
// where it is the first.
func YAML(file string, text []byte, err error) error {
	match := yamlLine.FindStringSubmatch(err.Error())
	line, convErr := strconv.Atoi(match[1])
	if convErr != nil {
		line = 1
	}
	return Error(file, text, line, "the YAML cannot be read: %s", strings.TrimPrefix(err.Error(), match[0]))
}
