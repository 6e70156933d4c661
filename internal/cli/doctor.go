package cli

import (
	"errors"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/plimsoll-build/plimsoll/internal/doctor"
)

// doctorFlags are the flags of doctor.
type doctorFlags struct {
	format string
	// root is another tree than this machine's: one that somebody recorded.
	root string
}

func newDoctor(s Streams) *cobra.Command {
	var f doctorFlags
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Say what Go services will find on this host or in this container",
		Long: `Say what Go services will find on this host or in this container.

It reads /proc, /sys and a few files of engines, and changes nothing: control groups and
their limits, what Go takes for GOMAXPROCS and GOMEMLIMIT and why, swap, memory nodes,
security modules, and what kind of place it is. A finding is ok, a note, a warning, or
unknown, and names the file that it was read from. The exit code is 0 whatever is found.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return runDoctor(s, f) },
	}
	c.Flags().StringVar(&f.format, "format", "text", "text or json")
	c.Flags().StringVar(&f.root, "root", "/", "directory that holds the proc and sys to judge")
	_ = c.Flags().MarkHidden("root")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func runDoctor(s Streams, f doctorFlags) error {
	if f.format != "text" && f.format != "json" {
		return usagef("unknown format %q: text or json", f.format)
	}
	if f.root == "/" && runtime.GOOS != "linux" {
		return errors.New("doctor reads Linux' /proc and /sys: run it where the containers run, such as in the VM of the container engine")
	}
	r := doctor.Examine(os.DirFS(f.root))
	if f.format == "json" {
		return r.JSON(s.Out)
	}
	return r.Text(s.Out, colourful(s.Out))
}
