package spec

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// maxQuoted is how much of a key or value a message repeats, in bytes: text of a
// hostile document must not flood it.
const maxQuoted = 200

// joinKey is the path of a key. A key that could garble a terminal is quoted.
func joinKey(path, key string) string {
	if key == "" || len(key) > maxQuoted || strings.ContainsFunc(key, func(r rune) bool { return !unicode.IsPrint(r) }) {
		key = quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

func indexPath(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// quote is text for a message: quoted, and cut if it is long.
func quote(text string) string {
	if len(text) > maxQuoted {
		return strconv.Quote(strings.ToValidUTF8(text[:maxQuoted], "")) + "…"
	}
	return strconv.Quote(text)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// parentPath is the path of the mapping or list that holds path, or "".
func parentPath(path string) string { return path[:max(strings.LastIndexAny(path, ".["), 0)] }

// pathSet is a set of key paths.
type pathSet map[string]bool

// covers reports whether the set has the path, or one that holds it.
func (s pathSet) covers(path string) bool {
	for ; path != ""; path = parentPath(path) {
		if s[path] {
			return true
		}
	}
	return s[""]
}
