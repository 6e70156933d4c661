package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/platforms"
	"github.com/spf13/pflag"

	"github.com/plimsoll-build/plimsoll/internal/liverun"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
	"github.com/plimsoll-build/plimsoll/internal/verify"
)

// runFlags say how --run starts an image.
type runFlags struct {
	on           bool
	memory, cpus string
	options      liverun.Options
}

func (f *runFlags) register(fs *pflag.FlagSet) {
	fs.BoolVar(&f.on, "run", false, "start the image here under its labelled limits, and compare what its process has (linux)")
	fs.StringVar(&f.options.Runtime, "runtime", "", strings.Join(liverun.Runtimes(), ", ")+" for --run (default: the first that works)")
	fs.DurationVar(&f.options.For, "for", liverun.DefaultFor, "how long the service of --run has to live")
	fs.StringVar(&f.memory, "memory", "", "memory limit of --run instead of the labelled one, such as 256MiB")
	fs.StringVar(&f.cpus, "cpus", "", "CPU limit of --run instead of the labelled one, such as 1.5")
	fs.StringArrayVar(&f.options.Env, "env", nil, "environment of --run, NAME=VALUE, over the image's")
	fs.StringArrayVar(&f.options.Args, "run-arg", nil, "argument of --run, instead of the image's Cmd")
	fs.StringVar(&f.options.Metrics, "metrics", "", "metrics of the service of --run, http://127.0.0.1:PORT/PATH; it then shares the host's network")
}

// Bounds of --for: the runtime needs a moment until it has read its limits, and this is a
// check, not a deployment.
const (
	minFor = 200 * time.Millisecond
	maxFor = 10 * time.Minute
)

// check refuses values that cannot be meant, and flags without --run.
func (f *runFlags) check() error {
	o := &f.options
	given := o.Runtime != "" || o.For != liverun.DefaultFor || f.memory != "" || f.cpus != "" || len(o.Env)+len(o.Args) > 0 || o.Metrics != ""
	switch {
	case !f.on && given:
		return usagef("--runtime, --for, --memory, --cpus, --env, --run-arg and --metrics say how --run starts the image: add it")
	case !f.on:
		return nil
	case runtime.GOOS != "linux":
		return usagef("--run needs Linux' /proc and cgroups, this is %s: run plimsoll where the containers run", runtime.GOOS)
	case o.Runtime != "" && !slices.Contains(liverun.Runtimes(), o.Runtime):
		return usagef("unknown runtime %q: %s", o.Runtime, strings.Join(liverun.Runtimes(), ", "))
	case o.For < minFor || o.For > maxFor:
		return usagef("--for %s: between %s and %s", o.For, minFor, maxFor)
	}
	for _, v := range o.Env {
		if name, _, ok := strings.Cut(v, "="); !ok || name == "" || strings.ContainsRune(v, 0) {
			return usagef("--env %q: NAME=VALUE", v)
		}
	}
	if o.Metrics != "" {
		if err := liverun.CheckMetrics(o.Metrics); err != nil {
			return usagef("--metrics: %w", err)
		}
	}
	_, err := f.limits(nil)
	return err
}

// limits are the labelled ones, and over them the flags'. A label that cannot be read is
// none: the rule labels says so.
func (f *runFlags) limits(labels map[string]string) (liverun.Limits, error) {
	number := func(key string) int64 {
		n, err := strconv.ParseInt(labels[key], 10, 64)
		if err != nil || n < 0 {
			return 0
		}
		return n
	}
	l := liverun.Limits{Memory: number(tuning.LabelMemoryMax), High: number(tuning.LabelMemoryHigh), Pids: number(tuning.LabelPids), CPUSet: labels[tuning.LabelCPUSet]}
	if milli, err := tuning.ParseCores(labels[tuning.LabelCPUMax]); err == nil {
		l.MilliCPUs = milli
	}
	var err error
	if f.memory != "" {
		if l.Memory, err = tuning.ParseSize(f.memory); err != nil {
			return l, usagef("--memory: %w", err)
		}
		if l.High >= l.Memory {
			l.High = 0
		}
	}
	if f.cpus != "" {
		if l.MilliCPUs, err = tuning.ParseCores(f.cpus); err != nil {
			return l, usagef("--cpus: %w", err)
		}
	}
	return l, nil
}

// judgeRun starts an image and holds what it has against its labels. What cannot be run
// here proves nothing about the image, so it is unknown, or a skip for another platform.
func (a *against) judgeRun(ctx context.Context, subject verify.Subject, r verify.Report) (verify.Judgement, error) {
	f := a.flags.run
	if host := machine(); !isRunnable(host, r.Platform) {
		return verify.Judgement{Skip: "for " + r.Platform + ", and this is " + platforms.Format(host)}, nil
	}
	parts, err := subject.Parts()
	if err != nil {
		return verify.Judgement{}, err
	}
	image := liverun.Image{RawConfig: parts.Config, Layers: parts.Layers}
	if err := json.Unmarshal(parts.Config, &image.Config); err != nil {
		return verify.Judgement{}, fmt.Errorf("reading config: %w", err)
	}
	if f.options.Limits, err = f.limits(r.Labels); err != nil {
		return verify.Judgement{}, err
	}
	seen, err := liverun.Run(ctx, image, f.options)
	if ctx.Err() != nil {
		return verify.Judgement{}, ctx.Err()
	}
	if failed, ok := errors.AsType[*liverun.ExecError](err); ok {
		return verify.Judgement{Fails: []verify.Finding{{Where: "run", Got: failed.Error(), Want: "a service that runs"}}}, nil
	}
	if err != nil {
		return verify.Judgement{Unknowns: []string{"running it: " + err.Error()}}, nil //nolint:nilerr // the verdict says so
	}
	return judgement(liverun.Judge(seen, r.Labels, image.Config.Config.User)), nil
}

func judgement(f liverun.Findings) verify.Judgement {
	all := func(found []liverun.Finding) []verify.Finding {
		var list []verify.Finding
		for _, d := range found {
			list = append(list, verify.Finding{Where: d.Where, Got: d.Got, Want: d.Want})
		}
		return list
	}
	return verify.Judgement{Fails: all(f.Fails), Warns: all(f.Warns), Unknowns: f.Unknowns, Passed: f.Summary}
}
