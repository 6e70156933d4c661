package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"github.com/plimsoll-build/plimsoll/internal/local"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

func newCache(s Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "cache",
		Short: "Show what the embedded engine keeps between builds",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return showCache(s) },
	}
	c.AddCommand(newPrune(s))
	return c
}

// showCache prints the directory and what it holds. Go's own caches are go's to show.
func showCache(s Streams) error {
	dir, err := cacheDir()
	if err != nil {
		return err
	}
	usage, err := local.Cache{Dir: dir}.Usage()
	if err != nil {
		return err
	}
	fmt.Fprintln(s.Out, dir)
	for _, u := range usage {
		fmt.Fprintf(s.Out, "%-8s %6d entries  %s\n", u.Kind, u.Entries, tuning.RoundedSize(u.Bytes))
	}
	return nil
}

func newPrune(s Streams) *cobra.Command {
	var limit string
	var unused time.Duration
	c := &cobra.Command{
		Use:   "prune",
		Short: "Remove what was used longest ago",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			bytes, err := tuning.ParseSize(limit)
			if err != nil {
				return usageError{err}
			}
			return prune(cmd.Context(), s, bytes, unused)
		},
	}
	c.Flags().StringVar(&limit, "max", "0", "keep at most this size, such as 2GiB")
	unused = local.CacheRest
	c.Flags().Var((*days)(&unused), "unused", "leave alone what was used within this time, such as 12h or 7d")
	return c
}

// days is a duration that may be a number of days.
type days time.Duration

// String is pflag's.
func (d *days) String() string { return time.Duration(*d).String() }

// Type is pflag's.
func (d *days) Type() string { return "duration" }

// Set is pflag's.
func (d *days) Set(text string) error {
	if count, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(count, 10, 16); err == nil {
			*d = days(time.Duration(n) * 24 * time.Hour)
			return nil
		}
	}
	given, err := time.ParseDuration(text)
	if err != nil || given < 0 {
		return fmt.Errorf("%q is no time such as 12h or 7d", text)
	}
	*d = days(given)
	return nil
}

func prune(ctx context.Context, s Streams, limit int64, unused time.Duration) error {
	dir, err := cacheDir()
	if err != nil {
		return err
	}
	freed, err := local.Cache{Dir: dir}.Prune(ctx, limit, time.Now().Add(-unused))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "freed %s\n", tuning.RoundedSize(freed))
	return err
}

// bound keeps the cache from growing without end. A build does not fail over it.
func bound(ctx context.Context, log *logrus.Logger, dir string) {
	_, err := local.Cache{Dir: dir}.Prune(ctx, local.CacheLimit, time.Now().Add(-local.CacheRest))
	if err != nil && ctx.Err() == nil {
		log.Warn(err)
	}
}
