// Command lab shows the documentation's claims about Go and cgroup v2 on a real kernel:
// Debian's, in a virtual machine in software emulation, with images of this tree's
// plimsoll in it. It writes what it saw as a page of the docs. It must not know how the
// runtime or the hook come to their numbers: only what they promise.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"time"
)

// settings is how many rows say what a run was made with.
const settings = 4

// patience is how long the machine may run: many times what it needs, so that a hang ends.
const patience = 20 * time.Minute

func main() {
	out := flag.String("out", "docs/lab.md", "page to write")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	all := sections()
	seen, set, err := lab(ctx, ".", all)
	if err == nil {
		err = os.WriteFile(*out, page(all, seen, set), 0o644)
	}
	if err == nil {
		err = broken(all, seen)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// broken names the claims that do not hold.
func broken(all []section, seen map[string]string) error {
	count := 0
	for _, s := range all {
		for i, c := range s.claims {
			if got := seen[s.name(i)]; got != c.expected {
				log.Printf("%s: %s: expected %s, saw %s", s.title, c.says, c.expected, got)
				count++
			}
		}
	}
	if count > 0 {
		return fmt.Errorf("%d claims do not hold", count)
	}
	return nil
}
