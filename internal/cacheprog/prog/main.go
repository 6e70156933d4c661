// Command cacheprog serves Go's build cache from a directory of a container's layer, and
// takes from a module cache what a compile reads. See the package above it.
//
// It must not know what is built, and prints nothing but errors.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// fixedTime is the time of all files that end in a layer. In the far future, since the go
// command touches entries that are an hour old (a copy of the whole file in an overlay) and
// deletes those that are five days old (cmd/go/internal/cache), and since its index of a
// package's files is keyed by their times and sizes.
var fixedTime = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

func main() {
	err := run(os.Args[1:])
	if err == nil {
		return
	}
	code := 1
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		code = failed.ExitCode() // it has said why
	} else {
		fmt.Fprintln(os.Stderr, "cacheprog:", err)
	}
	os.Exit(code)
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("usage: cacheprog cache -dir DIR [-warm DIR] | cacheprog prune -modcache DIR -out DIR -- go list -deps ...")
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	switch args[0] {
	case "cache":
		dir, warm := flags.String("dir", "", "the cache"), flags.String("warm", "", "what earlier builds left")
		if err := flags.Parse(args[1:]); err != nil || *dir == "" {
			return fmt.Errorf("cache needs -dir: %v", err)
		}
		return serve(&cache{dir: *dir, warm: *warm}, os.Stdin, os.Stdout)
	case "prune":
		from, out := flags.String("modcache", "", "the module cache"), flags.String("out", "", "where its part goes")
		if err := flags.Parse(args[1:]); err != nil || *from == "" || *out == "" || flags.NArg() < 2 {
			return fmt.Errorf("prune needs -modcache, -out and a go list command: %v", err)
		}
		return prune(*from, *out, flags.Args())
	}
	return fmt.Errorf("unknown mode %q", args[0])
}
