// Command cacheprog serves Go's build cache from a directory of a container's layer, and
// takes from a module cache what a compile reads. See the package above it.
//
// It must not know what is built, and prints nothing but errors.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// fixedTime is the time of all files that end in a layer. In the far future, since the go
// command touches entries that are an hour old (a copy of the whole file in an overlay) and
// deletes those that are five days old (cmd/go/internal/cache), and since its index of a
// package's files is keyed by their times and sizes.
var fixedTime = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

const usage = "usage: cacheprog cache -dir DIR [-warm DIR] | cacheprog prune -dir DIR -modcache DIR -out DIR -- go list -deps PACKAGES"

func main() {
	err := run(os.Args[1:], os.Stdin, os.Stdout)
	if err == nil {
		return
	}
	code := 1
	var failed *exec.ExitError
	if errors.As(err, &failed) && failed.ExitCode() > 0 {
		code = failed.ExitCode() // it has said why
	} else {
		fmt.Fprintln(os.Stderr, "cacheprog:", err)
	}
	os.Exit(code)
}

func run(args []string, in io.Reader, out io.Writer) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the error says it, in one line
	dir, warm := flags.String("dir", "", "the cache"), flags.String("warm", "", "what earlier builds left")
	from, to := flags.String("modcache", "", "the module cache"), flags.String("out", "", "where its part goes")
	if err := flags.Parse(args[1:]); err != nil {
		return fmt.Errorf("%w; %s", err, usage)
	}
	switch {
	case args[0] == "cache" && *dir != "" && flags.NArg() == 0:
		return serve(&cache{dir: *dir, warm: *warm}, in, out)
	case args[0] == "prune" && *dir != "" && *from != "" && *to != "" && flags.NArg() > 0:
		if err := prune(*from, *to, flags.Args()); err != nil {
			return err
		}
		return settle(*dir)
	}
	return errors.New(usage)
}
