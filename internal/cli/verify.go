package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"

	"github.com/plimsoll-build/plimsoll/internal/liverun"
	"github.com/plimsoll-build/plimsoll/internal/verify"
)

// verifyFlags are the flags of verify.
type verifyFlags struct {
	platforms []string
	format    string
	choice    verify.Choice
	against   againstFlags
}

func newVerify(s Streams) *cobra.Command {
	var f verifyFlags
	c := &cobra.Command{
		Use:   "verify REF…",
		Short: "Check images against their labels, from the bytes",
		Long: `Check images against their labels, from the bytes.

REF is registry/repo:tag, oci:DIR, oci-archive:FILE, docker-archive:FILE,
docker-daemon:REF (through docker save or podman save), or - for an archive on the
standard input. An index is checked for every platform. The exit code is 0 if all is well, 1 if a
rule failed or could not be decided, 2 if an image could not be read.

With --policy, --spec, --rebuild and --manifest an image is also held against a policy,
what its spec plans, what its source builds to, and the files that deploy it. --run
starts it here, under docker, podman, runc or crun and with its labelled limits, which
executes what is in it. With several platforms or REFs each image is held against all
of them.

Rules, of which those with a * only warn:

` + ruleList() + `

Rules of those flags:

` + ruleLines(verify.Against()),
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runVerify(cmd.Context(), s, &f, args)
		},
	}
	c.Flags().StringSliceVar(&f.platforms, "platform", nil, "check these platforms of an index alone")
	c.Flags().StringVar(&f.format, "format", "text", strings.Join(verify.Formats(), ", "))
	c.Flags().StringSliceVar(&f.choice.Require, "require", nil, "these rules must be judged: a skip is a failure, too")
	c.Flags().StringSliceVar(&f.choice.Ignore, "ignore", nil, "do not judge these rules")
	c.Flags().BoolVar(&f.choice.Strict, "strict", false, "a warning is a failure, and every rule counts")
	f.against.register(c.Flags())
	var rules []string
	for _, r := range slices.Concat(verify.Rules(), verify.Against()) {
		rules = append(rules, r.Name)
	}
	for flag, words := range map[string][]string{"format": verify.Formats(), "engine": {"embedded", "buildkit"}, "runtime": liverun.Runtimes(), "require": rules, "ignore": rules} {
		_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	}
	return c
}

// errNotOK is a verification that failed: the report has said why.
var errNotOK = errors.New("")

// runVerify reads every image before it judges, so that a report is whole.
func runVerify(ctx context.Context, s Streams, f *verifyFlags, refs []string) error {
	if !slices.Contains(verify.Formats(), f.format) {
		return usagef("unknown format %q: %s", f.format, strings.Join(verify.Formats(), ", "))
	}
	against, err := f.against.open(s, &f.choice)
	if err != nil {
		return err
	}
	if err := f.choice.Validate(); err != nil {
		return usageError{err}
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
	if stdinTwice(refs) {
		return usagef("- can be read only once")
	}
	for _, ref := range refs {
		found, err := verifyRef(ctx, s, ref, options, against.judge)
		if err != nil {
			return usageError{err}
		}
		for _, r := range found {
			if !wanted(r.Platform, options.Platforms) {
				return usagef("%s is for %s, not for a platform that was asked for", ref, r.Platform)
			}
		}
		reports = append(reports, found...)
	}
	f.choice.Apply(reports)
	if err := reports.Write(s.Out, f.format, colourful(s.Out)); err != nil {
		return err
	}
	if !reports.OK() {
		return errNotOK
	}
	return nil
}

// wanted reports whether a platform is among those asked for; without any, all are. An
// index is narrowed before, but an image alone says its platform in its config.
func wanted(platform string, asked []v1.Platform) bool {
	got, err := v1.ParsePlatform(platform)
	return err != nil || len(asked) == 0 || slices.ContainsFunc(asked, func(p v1.Platform) bool { return got.Satisfies(p) })
}

// ruleList is the table of rules for the help: names, and what a pass means.
func ruleList() string { return ruleLines(verify.Rules()) }

func ruleLines(rules []verify.Rule) string {
	var b strings.Builder
	for _, r := range rules {
		name := r.Name
		if r.Severity == verify.Warning {
			name += "*"
		}
		fmt.Fprintf(&b, "  %-13s %s\n", name, wrapped(r.Proves))
	}
	return strings.TrimRight(b.String(), "\n")
}

// wrapped breaks a sentence into lines that stand under one another in the help.
func wrapped(text string) string {
	const width = 64
	var b strings.Builder
	column := 0
	for word := range strings.FieldsSeq(text) {
		switch {
		case column == 0:
		case column+1+len(word) > width:
			b.WriteString("\n" + strings.Repeat(" ", 16))
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}
