package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// binaries are a plan's, by name.
type binaries struct {
	// files are in a directory of this build: another build may replace what is in the cache
	// while layers are made.
	dir   string
	files map[string]string
	// sums are their sha256; of those that were just linked, as soon as somebody has read them.
	sums  map[string]string
	tells []func()
}

// binaries compiles. The caller calls done, even after an error.
func (e engine) binaries(ctx context.Context, p plan.Plan) (*binaries, error) {
	made := &binaries{files: map[string]string{}, sums: map[string]string{}}
	var err error
	if made.dir, err = os.MkdirTemp(e.CacheDir, "work-"); err != nil {
		return made, fmt.Errorf("making a work directory: %w", err)
	}
	for _, c := range p.Compiles {
		if err := e.step(ctx, p, StepCompile, c.Name); err != nil {
			return made, err
		}
		file := filepath.Join(made.dir, c.Name)
		sum, tell, err := e.compile.compile(ctx, p, c, file)
		if err != nil {
			return made, fmt.Errorf("compiling %s: %w", c.Name, err)
		}
		made.files[c.Name], made.sums[c.Name] = file, sum
		if tell != nil {
			made.tells = append(made.tells, func() { tell(made.sums[c.Name]) })
		}
	}
	return made, nil
}

// remember keeps the sums that were not known before, for the next build.
func (b *binaries) remember() {
	for _, tell := range b.tells {
		tell()
	}
}

func (b *binaries) done() { _ = os.RemoveAll(b.dir) }
