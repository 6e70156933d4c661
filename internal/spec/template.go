package spec

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// SyntaxImage is the frontend image that a spec's first line names, for BuildKit.
const SyntaxImage = "ghcr.io/plimsoll-build/plimsoll:1"

const template = `# syntax=%s
apiVersion: %s
%s

build:
  %s

# Everything below is optional; "plimsoll schema" knows all keys.
#
# image:
#   base: static                  # default: scratch
#   files:
#     - {from: ./migrations, to: /migrations}
#
# runtime:
#   memory: {max: 512MiB}         # sets GOMEMLIMIT, with headroom
#   cpu: {max: "2"}
`

// Template is the commented smallest spec of a service, as plimsoll init writes
// it. An empty name or main stands as a comment with its default.
func Template(name, main string) []byte {
	nameLine := "name: " + yamlScalar(name)
	if name == "" {
		nameLine = "# name: orders                  # default: the last element of main, else of the module path"
	}
	if main == "" {
		main = "."
	}
	return fmt.Appendf(nil, template, SyntaxImage, APIVersion, nameLine, "main: "+yamlScalar(main))
}

var plainScalar = regexp.MustCompile(`^[A-Za-z./][A-Za-z0-9_./+-]*$`)

// yamlScalar writes text so that it is read back as it is.
func yamlScalar(text string) string {
	// These read as null, although they look like words.
	if plainScalar.MatchString(text) && !strings.EqualFold(text, "null") {
		return text
	}
	return strconv.Quote(text)
}
