// Bedctl starts and ends the test bed for a person: "make bed", "make bed-down"
// and the slow part of "make setup". What it prints on stdout is for a shell's
// eval; everything else goes to stderr.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/plimsoll-build/plimsoll/internal/testenv"
)

const usage = `usage: bedctl setup | start [--no-frontend] | stop | serve STATE`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bedctl:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("%s", usage)
	}
	switch verb := args[0]; {
	case verb == "setup" && len(args) == 1:
		return testenv.Prepare(ctx)
	case verb == "start" && len(args) == 1:
		return start(ctx, true)
	case verb == "start" && args[1] == "--no-frontend":
		return start(ctx, false)
	case verb == "stop" && len(args) == 1:
		return stop(ctx)
	case verb == "serve" && len(args) == 2:
		return serve(ctx, args[1])
	}
	return fmt.Errorf("%s", usage)
}
