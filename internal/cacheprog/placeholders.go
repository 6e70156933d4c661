package cacheprog

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Binary is what the program links of a main package: a directory for it, and the linker's flags
// with other values of the same lengths for -X. A flag that ends in such a placeholder has it in
// Placeholders too, at the same index.
type Binary struct {
	Dir                 string
	Flags, Placeholders []string
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

// shortest is the least length in bytes of a value that gets a placeholder: a shorter one may
// be somewhere else in the binary too.
const shortest = 8

// Unstamped is a binary that is linked before the values of its flags are known. Flags that are
// equal but for these values have the same one.
func Unstamped(dir string, flags []string) Binary {
	b := Binary{dir, slices.Clone(flags), make([]string, len(flags))}
	for i, flag := range flags {
		assignment, ok := flag, i > 0 && (flags[i-1] == "-X" || flags[i-1] == "--X")
		for _, prefix := range []string{"-X=", "--X="} {
			if after, found := strings.CutPrefix(flag, prefix); found && !ok {
				assignment, ok = after, true
			}
		}
		if _, value, assigned := strings.Cut(assignment, "="); ok && assigned && len(value) >= shortest {
			b.Placeholders[i] = placeholder(i, len(value))
			b.Flags[i] = strings.TrimSuffix(flag, value) + b.Placeholders[i]
		}
	}
	return b
}

// placeholder is a text of size bytes of which no part is likely anywhere else.
func placeholder(i, size int) string {
	var text []byte
	for n := 0; len(text) < size; n++ {
		sum := sha256.Sum256([]byte("plimsoll placeholder " + strconv.Itoa(i) + " " + strconv.Itoa(n)))
		text = base64.RawURLEncoding.AppendEncode(text, sum[:])
	}
	return string(text[:size])
}
