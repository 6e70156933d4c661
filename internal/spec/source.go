package spec

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of an excerpt.
const (
	excerptLines = 2   // before and after the marked line
	excerptWidth = 120 // runes of a line
)

// source is the text of a document by lines, for positions and excerpts.
type source struct{ lines []string }

func newSource(data []byte) source {
	text := strings.ReplaceAll(string(bytes.TrimPrefix(data, bom)), "\r\n", "\n")
	return source{strings.Split(text, "\n")}
}

// position turns the YAML library's line and column, which counts runes, into
// ours, inside the document.
func (s source) position(line, column int) Position {
	line = min(max(line, 1), len(s.lines))
	text := s.lines[line-1]
	offset := 0
	for range column - 1 {
		_, width := utf8.DecodeRuneInString(text[offset:])
		offset += width
	}
	return Position{line, offset + 1}
}

// firstColumn is the position of a line's first character.
func (s source) firstColumn(line int) Position {
	text := s.lines[min(max(line, 1), len(s.lines))-1]
	return s.position(line, utf8.RuneCountInString(text)-utf8.RuneCountInString(strings.TrimLeft(text, " "))+1)
}

// excerpt is the lines around a position, the line marked with ">" and a caret
// under the column.
func (s source) excerpt(p Position) string {
	if p.Line < 1 || p.Line > len(s.lines) {
		return ""
	}
	last := min(p.Line+excerptLines, len(s.lines))
	if last > p.Line && s.lines[last-1] == "" && last == len(s.lines) {
		last-- // the end of the last line is no line
	}
	width := len(fmt.Sprint(last))
	before := utf8.RuneCountInString(s.lines[p.Line-1][:min(p.Column-1, len(s.lines[p.Line-1]))])
	from := 0
	if before > excerptWidth*3/4 {
		from = before - excerptWidth/2
	}
	var b strings.Builder
	for n := max(1, p.Line-excerptLines); n <= last; n++ {
		mark := " "
		if n == p.Line {
			mark = ">"
		}
		shown := window(s.lines[n-1], from)
		fmt.Fprintln(&b, strings.TrimRight(fmt.Sprintf("%s %*d | %s", mark, width, n, shown), " "))
		if n == p.Line {
			fmt.Fprintf(&b, "  %*s | %s^\n", width, "", blank(shown, before-from))
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// window is the part of a line that an excerpt shows, safe for a terminal.
func window(line string, from int) string {
	runes := []rune(line)
	runes = runes[min(from, len(runes)):]
	runes = runes[:min(excerptWidth, len(runes))]
	for i, r := range runes {
		if r != '\t' && !unicode.IsPrint(r) {
			runes[i] = utf8.RuneError
		}
	}
	return string(runes)
}

// blank is n columns of space as wide as the text above, tabs kept.
func blank(text string, n int) string {
	runes := []rune(text)
	out := []rune(strings.Repeat(" ", n))
	for i := range min(n, len(runes)) {
		if runes[i] == '\t' {
			out[i] = '\t'
		}
	}
	return string(out)
}
