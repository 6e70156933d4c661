package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/sirupsen/logrus"
	"github.com/spf13/pflag"

	"github.com/plimsoll-build/plimsoll/internal/policy"
	"github.com/plimsoll-build/plimsoll/internal/verify"
	"github.com/plimsoll-build/plimsoll/internal/workload"
)

// againstFlags say what images are held against besides themselves.
type againstFlags struct {
	policy                 string
	spec                   string
	rebuild                bool
	engine, addr, frontend string
	manifests              []string
	container              string
	run                    runFlags
	source                 sourceFlags
}

func (f *againstFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.policy, "policy", "", "policy file: rules to require or ignore, and what images may be")
	fs.StringVar(&f.spec, "spec", "", "spec file: the image is what it plans")
	fs.BoolVar(&f.rebuild, "rebuild", false, "build again from --spec and name the first differences")
	fs.StringVar(&f.source.context, "context", "", "build context of --spec (default: the directory of the spec)")
	fs.StringArrayVar(&f.source.buildArgs, "build-arg", nil, "build argument of --spec, NAME=VALUE")
	fs.StringArrayVar(&f.source.labels, "label", nil, "image label that the build was given, KEY=VALUE")
	fs.StringArrayVar(&f.source.contexts, "build-context", nil, "named context of --spec, as for build")
	fs.StringArrayVar(&f.source.mirrors, "mirror", nil, "registry mirror for --spec, REGISTRY=HOST")
	fs.StringArrayVar(&f.source.secrets, "secret", nil, "build secret for --spec, id=ID[,src=FILE|,env=NAME]")
	fs.StringVar(&f.engine, "engine", "embedded", "engine of --rebuild: embedded or buildkit")
	fs.StringVar(&f.addr, "addr", "", "BuildKit's address for --rebuild")
	fs.StringVar(&f.frontend, "frontend", "", "frontend image for --rebuild with BuildKit")
	fs.StringArrayVar(&f.manifests, "manifest", nil, "file that deploys the image: Kubernetes or Compose YAML, systemd unit, Quadlet .container")
	fs.StringVar(&f.container, "container", "", "the container of --manifest that runs the image, if its image name does not tell")
	f.run.register(fs)
}

// check refuses flags that have no effect without another.
func (f *againstFlags) check() error {
	switch {
	case f.rebuild && f.spec == "":
		return usagef("--rebuild needs the spec to build from: --spec FILE")
	case f.spec == "" && (f.source.context != "" || len(f.source.buildArgs)+len(f.source.labels)+len(f.source.contexts)+len(f.source.mirrors)+len(f.source.secrets) > 0):
		return usagef("--context, --build-arg, --label, --build-context, --mirror and --secret say how --spec was planned: name it")
	case f.container != "" && len(f.manifests) == 0:
		return usagef("--container names one of --manifest FILE: name the file, too")
	case !f.rebuild && (f.addr != "" || f.frontend != "" || f.engine != "embedded"):
		return usagef("--engine, --addr and --frontend are for --rebuild")
	case f.engine != "embedded" && f.engine != "buildkit":
		return usagef("unknown engine %q: embedded or buildkit", f.engine)
	}
	return f.run.check()
}

// against is what images are held against, read and understood.
type against struct {
	flags      *againstFlags
	streams    Streams
	log        *logrus.Logger
	policy     *policy.Policy
	containers []workload.Container
}

// open reads the files of the flags, and puts what a policy says of rules into the
// choice. A rule of Against can be required only along with its flag: it could not be
// judged without.
func (f *againstFlags) open(s Streams, choice *verify.Choice) (*against, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	a := &against{flags: f, streams: s, log: newLog(s)}
	a.log.SetLevel(logrus.WarnLevel)
	if f.policy != "" {
		data, err := readInput(f.policy)
		if err != nil {
			return nil, err
		}
		if a.policy, err = policy.Parse(f.policy, data); err != nil {
			return nil, usageError{err}
		}
		if err := (verify.Choice{Require: a.policy.Require, Ignore: a.policy.Ignore}).Validate(); err != nil {
			return nil, usageError{fmt.Errorf("%s: %w", f.policy, err)}
		}
		choice.Require = append(choice.Require, a.policy.Require...)
		choice.Ignore = append(choice.Ignore, a.policy.Ignore...)
		choice.Strict = choice.Strict || a.policy.Strict
	}
	for _, file := range f.manifests {
		data, err := readInput(file)
		if err != nil {
			return nil, err
		}
		found, err := workload.Parse(file, data)
		if err != nil {
			return nil, usageError{err}
		}
		a.containers = append(a.containers, found...)
	}
	for rule, given := range map[string]bool{verify.RulePolicy: f.policy != "", verify.RuleSpec: f.spec != "", verify.RuleRebuild: f.rebuild, verify.RuleManifest: len(f.manifests) > 0, verify.RuleRun: f.run.on} {
		if slices.Contains(choice.Require, rule) && !given {
			return nil, usagef("rule %s is required, but there is no --%s to judge it by", rule, rule)
		}
	}
	return a, nil
}

// maxInput is more than any policy or deployment that people write, in bytes.
const maxInput = 4 << 20

func readInput(file string) ([]byte, error) {
	in, err := os.Open(file)
	if err != nil {
		return nil, usageError{err}
	}
	defer in.Close()
	if info, err := in.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, usageError{errors.Join(err, fmt.Errorf("reading %s: not a regular file", file))}
	}
	data, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	if err != nil {
		return nil, usageError{fmt.Errorf("reading %s: %w", file, err)}
	}
	if len(data) > maxInput {
		return nil, usagef("reading %s: more than %d bytes", file, maxInput)
	}
	return data, nil
}

// judge judges images by all rules, and then against what the flags name.
func (a *against) judge(ctx context.Context, subjects []verify.Subject) (verify.Reports, error) {
	reports, err := verify.All(ctx, subjects)
	if err != nil {
		return nil, err
	}
	for i := range reports {
		if err := a.one(ctx, subjects[i], &reports[i]); err != nil {
			return nil, err
		}
	}
	return reports, nil
}

func (a *against) one(ctx context.Context, subject verify.Subject, r *verify.Report) error {
	if a.policy != nil {
		j, err := a.judgePolicy(subject, *r)
		if err != nil {
			return err
		}
		r.Add(verify.RulePolicy, j)
	}
	if a.flags.spec != "" {
		if err := a.againstSource(ctx, subject, r); err != nil {
			return err
		}
	}
	if len(a.flags.manifests) > 0 {
		j, err := a.judgeManifest(subject, *r)
		if err != nil {
			return err
		}
		r.Add(verify.RuleManifest, j)
	}
	if a.flags.run.on {
		j, err := a.judgeRun(ctx, subject, *r)
		if err != nil {
			return err
		}
		r.Add(verify.RuleRun, j)
	}
	return nil
}
