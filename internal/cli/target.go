package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/containerd/platforms"
	"github.com/sirupsen/logrus"

	"github.com/plimsoll-build/plimsoll/internal/export"
	"github.com/plimsoll-build/plimsoll/internal/local"
	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// buildTarget writes what is not an image into a directory: the binaries alone, or
// the plan, in a directory for each platform if there are several.
func buildTarget(ctx context.Context, s Streams, log *logrus.Logger, f *buildFlags, p *prepared) error {
	words, err := f.outputWords("")
	if err != nil {
		return err
	}
	out, err := export.Parse(words[0])
	if err != nil {
		return usageError{err}
	}
	if len(words) > 1 || out.Type != export.TypeLocal {
		return usagef("--target %s writes files, not an image: give one directory with -o DIR", f.target)
	}
	place := func(pl plan.Plan) string {
		if len(p.Plans) == 1 {
			return out.Dest
		}
		return filepath.Join(out.Dest, strings.ReplaceAll(platforms.Format(pl.Platform), "/", "_"))
	}
	if f.target == "plan" {
		err = writePlans(p.Plans, place)
	} else {
		err = writeBinaries(ctx, log, f, p, place)
	}
	if err != nil {
		return err
	}
	return f.report(s, out.Dest, "")
}

func writePlans(plans []plan.Plan, place func(plan.Plan) string) error {
	for _, pl := range plans {
		data, err := plan.Canonical(pl)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(place(pl), 0o755); err != nil {
			return fmt.Errorf("writing the plan: %w", err)
		}
		if err := writeFile(filepath.Join(place(pl), "plan.json"), append(data, '\n')); err != nil {
			return err
		}
	}
	return nil
}

func writeBinaries(ctx context.Context, log *logrus.Logger, f *buildFlags, p *prepared, place func(plan.Plan) string) error {
	options, clean, err := engineOptions(log, f, p)
	if err != nil {
		return err
	}
	defer clean()
	return local.Binaries(ctx, p.Plans, options, func(pl plan.Plan, paths map[string]string) error {
		dir := place(pl)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("writing the binaries: %w", err)
		}
		for name, file := range paths {
			if err := copyBinary(file, filepath.Join(dir, name)); err != nil {
				return fmt.Errorf("writing binary %s: %w", name, err)
			}
		}
		return nil
	})
}

// copyBinary replaces the file at once: a running binary cannot be written.
func copyBinary(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.CreateTemp(filepath.Dir(to), ".plimsoll-")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	_, err = io.Copy(out, in)
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if err := os.Chmod(out.Name(), 0o755); err != nil {
		return err
	}
	return os.Rename(out.Name(), to)
}
