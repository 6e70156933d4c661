package spec

import (
	"slices"
	"strings"
)

// nearest is the candidate that word was most likely meant to be, or "". It may
// differ in case, or by one edit for each three letters; the first of equals wins.
func nearest(word string, candidates []string) string {
	if len(word) > 40 {
		return ""
	}
	best, distance := "", 1+max(1, len(word)/3)
	for _, c := range candidates {
		d := 0
		if !strings.EqualFold(c, word) {
			d = edits(strings.ToLower(word), strings.ToLower(c))
		}
		if d < distance && d < max(len(word), len(c)) {
			best, distance = c, d
		}
	}
	return best
}

// edits is the number of insertions, deletions, replacements and swaps of
// neighbours between two words.
func edits(a, b string) int {
	var older []int
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+differ(a[i], b[j]))
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], older[j-1]+1)
			}
		}
		older, last = last, row
	}
	return last[len(b)]
}

func differ(a, b byte) int {
	if a == b {
		return 0
	}
	return 1
}

// unknownKey says what an unknown key of a mapping may have meant: a key that
// exists elsewhere, given by its path, else the nearest of the same mapping.
func unknownKey(key string, here []string, elsewhere map[string][]string) (suggestion, hint string) {
	if paths := elsewhere[key]; len(paths) > 0 {
		return paths[0], "it belongs to " + strings.Join(parents(paths), " or ")
	}
	return nearest(key, here), "known keys here: " + strings.Join(here, ", ")
}

func parents(paths []string) []string {
	var out []string
	for _, p := range paths {
		parent := "the top level"
		if i := strings.LastIndex(p, "."); i >= 0 {
			parent = p[:i]
		}
		out = append(out, parent)
	}
	return slices.Compact(out)
}
