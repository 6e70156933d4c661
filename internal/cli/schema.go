package cli

import (
	"github.com/spf13/cobra"

	"github.com/plimsoll-build/plimsoll/internal/spec"
)

func newSchema(s Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of plimsoll.yaml",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			schema, err := spec.Schema()
			if err != nil {
				return err
			}
			_, err = s.Out.Write(schema)
			return err
		},
	}
}
