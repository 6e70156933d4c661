package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strconv"

	"github.com/containerd/platforms"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sirupsen/logrus"

	"github.com/plimsoll-build/plimsoll/internal/liverun"
	"github.com/plimsoll-build/plimsoll/internal/local"
	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/planner"
	"github.com/plimsoll-build/plimsoll/internal/rehearse"
	"github.com/plimsoll-build/plimsoll/internal/spec"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
	"github.com/plimsoll-build/plimsoll/internal/verify"
)

// rehearsals holds the rehearsals that the spec asks for, under an OCI runtime of this host,
// before anything is written.
func rehearsals(ctx context.Context, log *logrus.Logger, f *buildFlags, p *prepared, res *local.Result) error {
	for i, pl := range p.Plans {
		r, err := planner.Rehearsal(p.service, pl)
		if err != nil {
			return err
		}
		if r == nil {
			continue
		}
		if err := rehearseImage(ctx, log, f, p, pl, *r, res.Images[i].Image); err != nil {
			return err
		}
	}
	return nil
}

func rehearseImage(ctx context.Context, log *logrus.Logger, f *buildFlags, p *prepared, pl plan.Plan, r plan.Rehearsal, img v1.Image) error {
	name := platforms.Format(pl.Platform)
	if pl.Platform.OS != runtime.GOOS || pl.Platform.Architecture != runtime.GOARCH {
		return skipRehearsal(log, f, p, name, "this machine is "+runtime.GOOS+"/"+runtime.GOARCH)
	}
	seen, err := runRehearsal(ctx, p.service.Runtime.Rehearse.Args, r, img)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return skipRehearsal(log, f, p, name, err.Error())
	}
	// The count of kills goes with the group: one that was seen full says the same.
	killed := seen.Process != nil && (seen.Process.Kills > 0 || r.MemoryMax > 0 && seen.Process.Peak > r.MemoryMax/20*19)
	o := rehearse.Judge(r, seen.Lived, seen.Exit, killed)
	if why := unproved(seen, r, o); why != "" {
		return skipRehearsal(log, f, p, name, "with "+seen.Runtime+": "+why)
	}
	log.Infof("%s: rehearsed with %s: %s", name, seen.Runtime, sighting(seen))
	if o == rehearse.Passed {
		return nil
	}
	if seen.Log != "" {
		log.Error(seen.Log)
	}
	note := planner.Note{Path: o.Key(), Rule: "rehearse", Message: "rehearsing for " + name + ": " + o.Explain(r)}
	return located(p.doc, planner.Error{note})
}

// unproved says why nothing shows that the limits held; empty if they did, or if it failed
// without anybody having seen them, which is a failure all the same.
func unproved(seen liverun.Observation, r plan.Rehearsal, o rehearse.Outcome) string {
	switch {
	case seen.Process != nil:
		if o := rehearse.Possible(seen.Process.Group, r); o != rehearse.Passed {
			return o.Explain(r)
		}
	case o == rehearse.Passed && (r.MemoryMax > 0 || r.CPUMax > 0 || r.Cgroup2):
		return "it ended before its limits could be seen: let it run for some 100 ms"
	}
	return ""
}

// runRehearsal starts the image under the first of runc and crun that is there: a daemon would
// have to be given the image first.
func runRehearsal(ctx context.Context, args []string, r plan.Rehearsal, img v1.Image) (liverun.Observation, error) {
	parts, err := verify.FromImage("", img).Parts()
	if err != nil {
		return liverun.Observation{}, err
	}
	image := liverun.Image{RawConfig: parts.Config, Layers: parts.Layers}
	if err := json.Unmarshal(parts.Config, &image.Config); err != nil {
		return liverun.Observation{}, fmt.Errorf("reading config: %w", err)
	}
	o := liverun.Options{Limits: liverun.Limits{Memory: r.MemoryMax, MilliCPUs: r.CPUMax}, Args: args, For: r.For}
	var errs []error
	for _, o.Runtime = range []string{"runc", "crun"} {
		seen, err := liverun.Run(ctx, image, o)
		if err == nil {
			return seen, nil
		}
		errs = append(errs, err)
	}
	return liverun.Observation{}, errors.Join(errs...)
}

// sighting is a run in a line.
func sighting(seen liverun.Observation) string {
	text := fmt.Sprintf("alive after %s", seen.Waited)
	if !seen.Lived {
		text = fmt.Sprintf("exit code %d after %s", seen.Exit, seen.Waited)
	}
	if seen.MaxProcs > 0 {
		text += ", GOMAXPROCS " + strconv.Itoa(seen.MaxProcs)
	}
	if seen.Process != nil && seen.Process.Peak > 0 {
		text += ", peak memory " + tuning.RoundedSize(seen.Process.Peak)
	}
	return text
}

// skipRehearsal says why there is none; of a strict build it is an error.
func skipRehearsal(log *logrus.Logger, f *buildFlags, p *prepared, platform, why string) error {
	note := planner.Note{Path: "runtime.rehearse", Rule: "rehearse-skipped", Message: "rehearse-skipped: there is no rehearsal for " + platform + ": " + why}
	args, err := f.args()
	if err != nil {
		return err
	}
	if spec.Strict(args) {
		note.Message += " (the build is strict)"
		return located(p.doc, planner.Error{note})
	}
	log.Warn(warning(p.doc, note))
	return nil
}
