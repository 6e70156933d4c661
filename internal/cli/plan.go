package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

func newPlan(s Streams) *cobra.Command {
	var f sourceFlags
	var pretty bool
	c := &cobra.Command{
		Use:   "plan [CONTEXT]",
		Short: "Print the plan of each platform as canonical JSON, one a line",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.context = contextArg(args)
			return runPlan(cmd.Context(), s, &f, pretty)
		},
	}
	f.register(c.Flags())
	c.Flags().BoolVar(&pretty, "pretty", false, "indent, for reading")
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
func runPlan(ctx context.Context, s Streams, f *sourceFlags, pretty bool) error {
	if err := checkContext(f.context); err != nil {
		return err
	}
	p, err := prepare(ctx, newLog(s), f)
	if err != nil {
		return err
	}
	defer p.done()
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
