package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

func newPlan(s Streams) *cobra.Command {
	var f sourceFlags
	var pretty bool
	var show string
	c := &cobra.Command{
		Use:   "plan [CONTEXT]",
		Short: "Print the plan of each platform as canonical JSON, one a line",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.context = contextArg(args)
			if show != "" && show != "hook" {
				return usageError{fmt.Errorf("--show is hook or nothing, not %q", show)}
			}
			return runPlan(cmd.Context(), s, &f, pretty, show)
		},
	}
	f.register(c.Flags())
	c.Flags().BoolVar(&pretty, "pretty", false, "indent, for reading")
	c.Flags().StringVar(&show, "show", "", "print this part alone: hook, the Go file that runtime.memlimit: auto adds")
	return c
}

func contextArg(args []string) string {
	if len(args) == 0 {
		return "."
	}
	return args[0]
}

// runPlan plans and builds nothing: it needs the source, the base image's config and
// a toolchain's version.
func runPlan(ctx context.Context, s Streams, f *sourceFlags, pretty bool, show string) error {
	if err := checkContext(f.context); err != nil {
		return err
	}
	clean, err := f.fromStdin(ctx, s.In)
	if err != nil {
		return err
	}
	defer clean()
	p, err := prepare(ctx, newLog(s), f)
	if err != nil {
		return err
	}
	defer p.done()
	if show == "hook" {
		return showHook(s, p.Plans)
	}
	for _, pl := range p.Plans {
		data, err := plan.Canonical(pl)
		if pretty {
			data, err = json.MarshalIndent(pl, "", "  ")
		}
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(s.Out, "%s\n", data); err != nil {
			return err
		}
	}
	return nil
}

// showHook prints the generated file, whose digest is in the image's label. All binaries and
// platforms have the same.
func showHook(s Streams, plans []plan.Plan) error {
	for _, c := range plans[0].Compiles {
		if c.Hook != nil {
			_, err := io.WriteString(s.Out, c.Hook.Content)
			return err
		}
	}
	return errors.New("there is no start-up hook in this plan: runtime.memlimit is not auto")
}
