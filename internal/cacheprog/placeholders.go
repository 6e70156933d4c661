package cacheprog

import (
	"encoding/json"
	"slices"
	"strings"
)

// Binary is what the program links of a main package: a directory for it, and the linker's flags.
// Of a flag whose value is not known yet, Later has the value's length in bytes at the same index,
// and Flags what is before it; of the others Later has 0.
type Binary struct {
	Dir   string
	Flags []string
	Later []int
}

// BinariesVariable is where the program finds what it links.
const BinariesVariable = "PLIMSOLL_BINARIES"

// Binaries is that variable's value for binaries by the import paths of their main packages.
func Binaries(wanted map[string][]Binary) string {
	data, err := json.Marshal(wanted)
	if err != nil {
		panic(err) // they are texts
	}
	return string(data)
}

// shortest is the least length in bytes of a value that is left out: a text in its place has to
// be one that is nowhere else in the binary.
const shortest = 5

// Unstamped is a binary that is linked before the values of -X are known. Flags that are equal but
// for these values have the same one, if the values have the same lengths.
func Unstamped(dir string, flags []string) Binary {
	b := Binary{dir, slices.Clone(flags), make([]int, len(flags))}
	for i, flag := range flags {
		assignment, ok := Assignment(flags, i)
		name, value, assigned := strings.Cut(assignment, "=")
		// The linker writes what is set in package runtime to more than one place.
		if ok && assigned && len(value) >= shortest && !strings.HasPrefix(name, "runtime.") {
			b.Flags[i], b.Later[i] = strings.TrimSuffix(flag, value), len(value)
		}
	}
	return b
}

// Assignment is what the flag at an index sets, as importpath.name=value; ok is false for a flag
// that is not of -X or stands before its value.
func Assignment(flags []string, i int) (assignment string, ok bool) {
	if i > 0 && (flags[i-1] == "-X" || flags[i-1] == "--X") {
		return flags[i], true
	}
	if assignment, ok = strings.CutPrefix(flags[i], "-X="); ok {
		return assignment, ok
	}
	return strings.CutPrefix(flags[i], "--X=")
}
