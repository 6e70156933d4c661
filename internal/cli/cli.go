package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// Exit codes.
const (
	ExitOK          = 0
	ExitFailed      = 1   // a build or a verification failed
	ExitUsage       = 2   // wrong flags, or a wrong spec
	ExitInterrupted = 130 // as a shell reports SIGINT
)

// Streams are the standard streams of one run.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// colourful reports whether a person reads w on a terminal that shows colours.
func colourful(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == ""
}

// usageError is the caller's mistake: wrong flags, or a spec that cannot be used.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// Run carries out one command line and returns the exit code. An error is printed
// to Streams.Err, once.
func Run(ctx context.Context, args []string, s Streams) int {
	logrus.SetLevel(logrus.ErrorLevel) // libraries report their own affairs there
	root := newRoot(s)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return ExitOK
	case ctx.Err() != nil:
		fmt.Fprintln(s.Err, "plimsoll: interrupted")
		return ExitInterrupted
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(s.Err, "plimsoll: "+strings.TrimRight(text, "\n"))
	}
	_, usage := errors.AsType[usageError](err)
	if usage || strings.HasPrefix(err.Error(), "unknown command") { // cobra has no type for it
		return ExitUsage
	}
	return ExitFailed
}

func newRoot(s Streams) *cobra.Command {
	root := &cobra.Command{
		Use:           "plimsoll",
		Short:         "Build, plan and verify images of Go services",
		Long:          "Plimsoll builds static, labelled, verified images of Go services from a small spec,\nwith no daemon or through BuildKit, and checks any image against its labels.",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(newBuild(s), newPlan(s), newVerify(s), newDoctor(s), newInit(s), newSchema(s), newCache(s), newVersion(s))
	asUsage(root)
	return root
}

// asUsage makes a command's complaint about its arguments a usage error.
func asUsage(c *cobra.Command) {
	for _, sub := range c.Commands() {
		asUsage(sub)
	}
	check := c.Args
	if check == nil {
		return
	}
	c.Args = func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{err}
		}
		return nil
	}
}

// newLog writes messages for people to stderr, without times: a build's log is
// compared and grepped.
func newLog(s Streams) *logrus.Logger {
	log := logrus.New()
	log.SetOutput(s.Err)
	log.SetFormatter(lines{colour: colourful(s.Err)})
	return log
}

// lines is a log format of one plain line for each message.
type lines struct{ colour bool }

// Format writes the level only where it is a warning or worse.
func (f lines) Format(e *logrus.Entry) ([]byte, error) {
	prefix := ""
	if e.Level <= logrus.WarnLevel {
		prefix = e.Level.String() + ": "
		if f.colour {
			prefix = "\x1b[33m" + prefix + "\x1b[0m"
		}
	}
	return []byte(prefix + e.Message + "\n"), nil
}
