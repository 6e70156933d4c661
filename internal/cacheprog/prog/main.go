// Command cacheprog serves Go's build cache from a directory of a container's layer, takes from
// a module cache what a compile reads, and links and stamps binaries. See the package above it.
//
// It must not know what is built but by its arguments, and prints nothing but errors and what
// the commands say that it runs.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// fixedTime is the time of all files that end in a layer. In the far future, since the go
// command touches entries that are an hour old (a copy of the whole file in an overlay) and
// deletes those that are five days old (cmd/go/internal/cache), and since its index of a
// package's files is keyed by their times and sizes.
var fixedTime = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

const usage = "usage: cacheprog cache -dir DIR [-from DIRS] [-warm DIR] | list [-dir DIR [-from DIRS] [-warm DIR -name NAME]] [-modcache DIR -out DIR] -- GO LIST | renew -dir DIR -- COMMAND | stash -dir DIR -warm DIR -name NAME -out FILE [-args FILE] | seed -dir DIR [-in DIR] -warm DIR -name NAME -sketch FILE [-args FILE] [-v] -- COMMAND | tool -ldflags FLAG TOOL | stamp -dir DIR -out FILE [-time SECONDS] -- LDFLAGS"

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
	dir, warm := flags.String("dir", "", "the cache, the modules, the sources or what was linked"), flags.String("warm", "", "what earlier builds left")
	from, to := flags.String("modcache", "", "the module cache"), flags.String("out", "", "where its part, the sketch or the binary goes")
	lower := flags.String("from", "", "caches below the cache, as a list like PATH")
	name, sketch := flags.String("name", "", "of what sources are kept, or of what builds compile much the same"), flags.String("sketch", "", "what stash wrote of the sources")
	sub, more := flags.String("in", ".", "where in the sources a command runs"), flags.String("args", "", "the file of the sources with more arguments, each a line")
	later := flags.String("ldflags", "", "what stands for the linker's flags while they are unknown")
	at := flags.Int64("time", 0, "of the binary, in seconds since 1970")
	verbose := flags.Bool("v", false, "pass on what the command says")
	if err := flags.Parse(args[1:]); err != nil {
		return fmt.Errorf("%w; %s", err, usage)
	}
	switch {
	case args[0] == "cache" && *dir != "" && flags.NArg() == 0:
		return serve(&cache{dir: *dir, from: filepath.SplitList(*lower), warm: *warm}, in, out)
	case args[0] == "list" && *dir+*to != "" && (*from == "") == (*to == "") && (*warm == "") == (*name == "") && flags.NArg() > 0:
		l := listing{dir: *dir, lower: filepath.SplitList(*lower), warm: *warm, name: *name, from: *from, out: *to, argv: flags.Args()}
		return l.run()
	case args[0] == "renew" && *dir != "" && flags.NArg() > 0:
		return renew(*dir, flags.Args())
	case args[0] == "stash" && *dir != "" && *warm != "" && *name != "" && *to != "" && flags.NArg() == 0:
		return stash(*dir, *warm, *name, *more, *to)
	case args[0] == "seed" && *dir != "" && *warm != "" && *name != "" && *sketch != "" && flags.NArg() > 0:
		s := seeding{to: *dir, in: *sub, more: *more, argv: flags.Args()}
		if *verbose {
			s.says = os.Stderr
		}
		return s.run(*warm, *name, *sketch)
	case args[0] == "tool" && *later != "" && flags.NArg() > 0:
		return tool(*later, flags.Args())
	case args[0] == "stamp" && *dir != "" && *to != "":
		return stamp(*dir, *to, *at, flags.Args())
	}
	return errors.New(usage)
}
