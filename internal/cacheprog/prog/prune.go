package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// prune copies from the module cache what compiling packages reads: their files, and what the
// go command asks about modules.
func prune(from, out string, packages []listed) error {
	p := &pruning{from: filepath.Clean(from), out: out}
	for _, pkg := range packages {
		if err := p.pkg(pkg); err != nil {
			return fmt.Errorf("taking package %s: %w", pkg.Dir, err)
		}
	}
	if err := p.modules(); err != nil {
		return fmt.Errorf("taking what go asks about modules: %w", err)
	}
	return nil
}

type pruning struct{ from, out string }

// pkg takes a package's files. Assembly may include any file beside it, whatever its name.
func (p *pruning) pkg(pkg listed) error {
	if !strings.HasPrefix(pkg.Dir, p.from+string(filepath.Separator)) {
		return nil
	}
	for _, names := range [][]string{pkg.GoFiles, pkg.SFiles, pkg.HFiles, pkg.SysoFiles, pkg.EmbedFiles} {
		for _, name := range names {
			if err := p.copy(filepath.Join(pkg.Dir, name)); err != nil {
				return err
			}
		}
	}
	if len(pkg.SFiles) == 0 {
		return nil
	}
	entries, err := os.ReadDir(pkg.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Type().IsRegular() && !strings.HasSuffix(e.Name(), ".go") {
			if err := p.copy(filepath.Join(pkg.Dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// modules takes, also of modules that an earlier build fetched, what is known of them but their zips, and each module's directory and
// go.mod: for an import that several modules might provide, go asks all of them.
func (p *pruning) modules() error {
	return filepath.WalkDir(p.from, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == p.from {
			return err
		}
		rel, err := filepath.Rel(p.from, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		known := strings.HasPrefix(rel, "cache/")
		switch {
		case d.IsDir() && (rel == "cache/vcs" || rel == "cache/download/sumdb"):
			return fs.SkipDir
		case d.IsDir() && !known && strings.Contains(d.Name(), "@"):
			if err := p.module(name, rel); err != nil {
				return err
			}
			return fs.SkipDir
		case known && d.Type().IsRegular() && !hasSuffix(rel, ".zip", ".lock", "/lock", ".partial", ".tmp"):
			return p.copy(name)
		}
		return nil
	})
}

func (p *pruning) module(name, rel string) error {
	if err := os.MkdirAll(filepath.Join(p.out, rel), 0o755); err != nil {
		return err
	}
	err := p.copy(filepath.Join(name, "go.mod"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // an old module without one
	}
	return err
}

func hasSuffix(name string, suffixes ...string) bool {
	for _, s := range suffixes {
		if strings.HasSuffix(name, s) {
			return true
		}
	}
	return false
}

// copy takes one file along, once. A module cache holds regular files alone.
func (p *pruning) copy(name string) error {
	rel, err := filepath.Rel(p.from, name)
	if err != nil {
		return err
	}
	info, err := os.Lstat(name)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file: a module cache holds no other; run go clean -modcache and fetch the modules again", name)
	}
	dest := filepath.Join(p.out, rel)
	if _, err := os.Lstat(dest); err == nil {
		return nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return write(dest, data, fixedTime)
}
