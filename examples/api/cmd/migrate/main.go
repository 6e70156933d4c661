// Command migrate brings the file of notes up to date and says what it did. The
// service does the same when it starts; this one is for an init container.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"os"

	"example.com/api/internal/store"
)

// Set at link time.
var version, revision, builtAt string

func main() {
	if err := run(os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "migrate:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, args []string) error {
	flags := flag.NewFlagSet("migrate", flag.ContinueOnError)
	db := flags.String("db", "api.db", "the file that holds the notes")
	showVersion := flags.Bool("version", false, "print the version and exit")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *showVersion {
		_, err := fmt.Fprintln(out, cmp.Or(version, "devel"), revision, builtAt)
		return err
	}
	notes, err := store.Open(*db)
	if err != nil {
		return err
	}
	defer notes.Close()
	applied, err := notes.Migrate()
	if err != nil {
		return err
	}
	for _, name := range applied {
		fmt.Fprintln(out, "applied", name)
	}
	_, err = fmt.Fprintf(out, "%s is up to date\n", *db)
	return err
}
