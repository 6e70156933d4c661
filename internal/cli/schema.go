package cli

import (
	"github.com/spf13/cobra"

	"github.com/plimsoll-build/plimsoll/internal/spec"
	"github.com/plimsoll-build/plimsoll/internal/verify"
)

func newSchema(s Streams) *cobra.Command {
	var report bool
	c := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of plimsoll.yaml, or of a verify report",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			schemaOf := spec.Schema
			if report {
				schemaOf = verify.Schema
			}
			schema, err := schemaOf()
			if err != nil {
				return err
			}
			_, err = s.Out.Write(schema)
			return err
		},
	}
	c.Flags().BoolVar(&report, "report", false, "the schema of verify --format json")
	return c
}
