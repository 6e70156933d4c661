// Package cacheprog holds the source of the program that serves Go's build cache inside
// vertices (GOCACHEPROG, "go doc cmd/go/internal/cacheprog"), that takes from a module cache
// what a compile reads of it, that hands a vertex sources which must not be its key, and that
// links with placeholders for the stamp and puts the stamp in their places, as the go command
// would link with it.
//
// The program is compiled by the toolchain that it serves, in a vertex of its own: so its
// key is its source, and a release of ours compiles nothing again. It imports the standard
// library alone and must compile with Go 1.21. The package must not know how vertices are
// put together (llbgen).
package cacheprog

import (
	"embed"
	"io/fs"
	"path"
	"strings"
)

//go:embed prog/*.go
var sources embed.FS

// Stamps are the releases of Go whose binaries the program is known to stamp byte for byte. What it
// has to know of them is no promise of the go command's.
var Stamps = []string{"go1.24", "go1.25", "go1.26", "go1.27"}

const goMod = "module plimsoll.build/cacheprog\n\ngo 1.21\n"

// Files are the program's module: names in its one directory, and content. `go build .`
// makes it.
func Files() map[string][]byte {
	files := map[string][]byte{"go.mod": []byte(goMod)}
	names, err := fs.Glob(sources, "prog/*.go")
	if err != nil {
		panic(err) // the pattern is ours
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		data, err := fs.ReadFile(sources, name)
		if err != nil {
			panic(err) // it is embedded
		}
		files[path.Base(name)] = data
	}
	return files
}
