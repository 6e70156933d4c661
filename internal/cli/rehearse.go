package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"syscall"

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
	if host := machine(); !runs(host, needs(pl)) {
		return skipRehearsal(log, f, p, name, "it needs "+platforms.Format(needs(pl))+", and this machine is "+platforms.Format(host))
	}
	seen, err := runRehearsal(ctx, r.Argv[len(pl.Config.Config.Entrypoint):], r, img)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if failed, ok := errors.AsType[*liverun.ExecError](err); ok {
		log.Error(failed)
		return failedRehearsal(p, name, rehearse.NotStarted, r)
	}
	if err != nil {
		return skipRehearsal(log, f, p, name, err.Error())
	}
	o := rehearse.Judge(r, seen.Lived, seen.Exit, killed(seen, r))
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
	return failedRehearsal(p, name, o, r)
}

func failedRehearsal(p *prepared, platform string, o rehearse.Outcome, r plan.Rehearsal) error {
	note := planner.Note{Path: o.Key(), Rule: "rehearse", Message: "rehearsing for " + platform + ": " + o.Explain(r)}
	return located(p.doc, planner.Error{note})
}

// killed reports whether SIGKILL was the kernel's, for lack of memory. The count of kills goes
// with the group, and between the last look at it and the end a service can fill any limit: but
// nobody else kills the first process of a container here.
func killed(seen liverun.Observation, r plan.Rehearsal) bool {
	return seen.Process != nil && seen.Process.Kills > 0 || r.MemoryMax > 0 && !seen.Lived && seen.Exit == 128+int(syscall.SIGKILL)
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

// runRehearsal starts the image under the first of runc and crun that can: a daemon would have
// to be given the image first. Its root is writable, as it is in BuildKit and by default where
// it will run.
func runRehearsal(ctx context.Context, args []string, r plan.Rehearsal, img v1.Image) (liverun.Observation, error) {
	parts, err := verify.FromImage("", img).Parts()
	if err != nil {
		return liverun.Observation{}, err
	}
	image := liverun.Image{RawConfig: parts.Config, Layers: parts.Layers}
	if err := json.Unmarshal(parts.Config, &image.Config); err != nil {
		return liverun.Observation{}, fmt.Errorf("reading config: %w", err)
	}
	o := liverun.Options{Limits: liverun.Limits{Memory: r.MemoryMax, MilliCPUs: r.CPUMax}, Args: args, For: r.For, WritableRoot: true}
	var errs []error
	for _, o.Runtime = range []string{"runc", "crun"} {
		seen, err := liverun.Run(ctx, image, o)
		if _, ok := errors.AsType[*liverun.ExecError](err); ok || err == nil {
			return seen, err
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
