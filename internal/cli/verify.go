package cli

import (
	"context"
	"errors"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"

	"github.com/plimsoll-build/plimsoll/internal/verify"
)

// verifyFlags are the flags of verify.
type verifyFlags struct {
	platforms []string
	format    string
}

func newVerify(s Streams) *cobra.Command {
	var f verifyFlags
	c := &cobra.Command{
		Use:   "verify REF…",
		Short: "Check images against their labels, from the bytes",
		Long: `Check images against their labels, from the bytes.

REF is registry/repo:tag, oci:DIR, oci-archive:FILE or docker-archive:FILE. An
index is checked for every platform. The exit code is 0 if all is well, 1 if a
rule failed or could not be decided, 2 if an image could not be read.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runVerify(cmd.Context(), s, &f, args)
		},
	}
	c.Flags().StringSliceVar(&f.platforms, "platform", nil, "check these platforms of an index alone")
	c.Flags().StringVar(&f.format, "format", "text", "text or json")
	return c
}

// errNotOK is a verification that failed: the report has said why.
var errNotOK = errors.New("")

// runVerify reads every image before it judges, so that a report is whole.
func runVerify(ctx context.Context, s Streams, f *verifyFlags, refs []string) error {
	if f.format != "text" && f.format != "json" {
		return usagef("unknown format %q: text or json", f.format)
	}
	var options verify.OpenOptions
	for _, word := range f.platforms {
		p, err := v1.ParsePlatform(word)
		if err != nil {
			return usagef("unknown platform %q: name one as linux/amd64", word)
		}
		options.Platforms = append(options.Platforms, *p)
	}
	var reports verify.Reports
	for _, ref := range refs {
		subjects, err := verify.Open(ctx, ref, options)
		if err != nil {
			return usageError{err}
		}
		found, err := verify.All(ctx, subjects)
		if err != nil {
			return usageError{err}
		}
		reports = append(reports, found...)
	}
	if err := printReports(s, f.format, reports); err != nil {
		return err
	}
	if !reports.OK() {
		return errNotOK
	}
	return nil
}

func printReports(s Streams, format string, reports verify.Reports) error {
	if format == "json" {
		return reports.JSON(s.Out)
	}
	return reports.Text(s.Out, colourful(s.Out))
}
