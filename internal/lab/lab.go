package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/corpus"
	"github.com/plimsoll-build/plimsoll/internal/lab/trial"
	"github.com/plimsoll-build/plimsoll/internal/testenv"
)

// setting is what a run of the lab was made with.
type setting struct {
	Go, Kernel, Package string
	Controllers         string
}

// lab makes the images and the machine, runs the claims in it, and returns what was seen
// of each, by its name. tree is this repository.
func lab(ctx context.Context, tree string, all []section) (seen map[string]string, set setting, err error) {
	dir, err := os.MkdirTemp("", "plimsoll-lab-")
	if err != nil {
		return nil, set, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	cache, err := testenv.CacheDir()
	if err != nil {
		return nil, set, err
	}
	vm, err := fetch(ctx, corpus.Cache(filepath.Join(cache, "corpus")))
	if err != nil {
		return nil, set, err
	}
	initramfs := filepath.Join(dir, "initramfs")
	if err := assemble(ctx, tree, dir, initramfs, vm.crun, all); err != nil {
		return nil, set, err
	}
	results, last, err := vm.run(ctx, dir, initramfs)
	if err != nil {
		return nil, set, err
	}
	version, err := exec.CommandContext(ctx, "go", "env", "GOVERSION").Output()
	if err != nil {
		return nil, set, err
	}
	set = setting{strings.TrimSpace(string(version)), last.Kernel, vm.version, last.Controllers}
	seen, err = judge(all, results)
	return seen, set, err
}

// judge says what was seen of each claim. A trial that the guest could not run is an
// error of the lab, not a claim that does not hold.
func judge(all []section, results map[string]trial.Result) (map[string]string, error) {
	seen := map[string]string{}
	var failed error
	for _, s := range all {
		for i, c := range s.claims {
			name := s.name(i)
			r, ok := results[name]
			switch {
			case !ok:
				failed = errors.Join(failed, fmt.Errorf("%s: the machine did not run it", name))
			case r.LabError != "":
				failed = errors.Join(failed, fmt.Errorf("%s (%s): %s", name, c.says, r.LabError))
			default:
				seen[name] = s.seen(r)
			}
		}
	}
	return seen, failed
}

// name is a claim's name: its section and its place there.
func (s section) name(i int) string { return fmt.Sprintf("%s/%d", s.title, i+1) }

// assemble writes the initramfs: the guest, crun, the images and the trials.
func assemble(ctx context.Context, tree, dir, initramfs, crun string, all []section) error {
	guest, plimsoll := filepath.Join(dir, "guest"), filepath.Join(dir, "plimsoll")
	compile := func(out, pkg string) error {
		return run(ctx, tree, "env", "CGO_ENABLED=0", "GOOS=linux", "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, pkg)
	}
	if err := errors.Join(compile(guest, "./internal/lab/guest"), compile(plimsoll, "./cmd/plimsoll")); err != nil {
		return err
	}
	images, err := build(ctx, dir, filepath.Join(tree, "internal/lab/testdata/service"), plimsoll)
	if err != nil {
		return err
	}
	trials, err := images.trials(all)
	if err != nil {
		return err
	}
	program, err := os.ReadFile(guest)
	if err != nil {
		return err
	}
	file, err := os.Create(initramfs)
	if err != nil {
		return err
	}
	defer file.Close()
	a := newArchive(file)
	a.file("/init", 0o755, program)
	a.file(trial.TrialsFile, 0o644, trials)
	if err := a.programs(crun); err != nil {
		return fmt.Errorf("adding crun: %w", err)
	}
	for _, v := range variants {
		if err := images[v.name].add(a, v.name); err != nil {
			return fmt.Errorf("unpacking the image %s: %w", v.name, err)
		}
	}
	return a.Close()
}

// trials are the claims' trials, complete, as the guest reads them.
func (b built) trials(all []section) ([]byte, error) {
	var list []trial.Trial
	for _, s := range all {
		for i, c := range s.claims {
			t, err := b[c.variant].start(c.trial, c.variant, c.args)
			if err != nil {
				return nil, err
			}
			t.Name = s.name(i)
			list = append(list, t)
		}
	}
	return json.Marshal(list)
}
