package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/corpus"
)

// tool is a column of the table.
type tool struct {
	name, program, version string
	// command is shown in the docs.
	command string
	// args are the commands' arguments; the output of several is joined, the first code
	// that is not 0 counts. ok is false if the image has not the form that it takes.
	args func(*subject) (commands [][]string, ok bool)
	env  []string
}

// The versions that are built from source by the Go command.
const (
	craneVersion = "v0.22.1"
	diveVersion  = "v0.13.1"
	// syftVersion: of newer ones, some modules were not to be had.
	syftVersion = "v1.38.0"
)

func findTools(ctx context.Context, cache corpus.Cache, plimsoll string) ([]tool, error) {
	program := func(args ...string) func(*subject) ([][]string, bool) {
		return func(s *subject) ([][]string, bool) { return [][]string{append(args, s.program)}, s.program != "" }
	}
	tools := []tool{
		{name: "plimsoll", program: plimsoll, command: "plimsoll verify", args: func(s *subject) ([][]string, bool) {
			return [][]string{{"verify", "oci:" + s.layout}}, true
		}},
		{name: "go version", command: "go version -m", args: program("version", "-m")},
		{name: "file", command: "file", args: program("-b")},
		{name: "checksec", command: "checksec --file", args: func(s *subject) ([][]string, bool) {
			return [][]string{{"--file=" + s.program, "--output=csv"}}, s.program != ""
		}},
		{name: "crane", command: "crane validate and crane config", args: func(s *subject) ([][]string, bool) {
			return [][]string{{"validate", "--remote", s.ref}, {"config", s.ref}}, true
		}},
		{name: "dive", command: "dive --ci", env: []string{"CI=true"}, args: func(s *subject) ([][]string, bool) {
			return [][]string{{"docker-archive://" + s.archive}}, s.archive != ""
		}},
		{name: "syft", command: "syft -o json", env: []string{"SYFT_CHECK_FOR_APP_UPDATE=false"}, args: func(s *subject) ([][]string, bool) {
			return [][]string{{"-q", "-o", "json", "oci-dir:" + s.layout}}, true
		}},
	}
	for i := range tools {
		if err := tools[i].find(ctx, cache); err != nil {
			return nil, err
		}
	}
	return tools, nil
}

// find sets program and version.
func (t *tool) find(ctx context.Context, cache corpus.Cache) (err error) {
	switch t.name {
	case "plimsoll":
		t.version = "of this source"
	case "go version":
		t.program = "go"
		t.version = firstMatch(execute(ctx, nil, "go", "version").output, `go\d\S*`)
	case "file":
		if t.program, err = exec.LookPath("file"); err != nil {
			return fmt.Errorf("the comparison needs file(1): %w", err)
		}
		t.version = firstMatch(execute(ctx, nil, t.program, "--version").output, `\d[\d.]*`)
	case "checksec":
		root, err := cache.Debian(ctx, "checksec")
		if err != nil {
			return err
		}
		t.program = filepath.Join(root, "usr/bin/checksec")
		if t.version, err = corpus.DebianVersion(root); err != nil {
			return err
		}
	case "crane":
		t.version = craneVersion
		t.program, err = cache.GoTool(ctx, "github.com/google/go-containerregistry/cmd/crane", craneVersion)
	case "dive":
		t.version = diveVersion
		t.program, err = cache.GoTool(ctx, "github.com/wagoodman/dive", diveVersion)
	case "syft":
		t.version = syftVersion
		t.program, err = cache.GoTool(ctx, "github.com/anchore/syft/cmd/syft", syftVersion)
	}
	return err
}

func firstMatch(text, pattern string) string {
	return regexp.MustCompile(pattern).FindString(text)
}

func toolNamed(tools []tool, name string) tool {
	for _, t := range tools {
		if t.name == name {
			return t
		}
	}
	return tool{}
}

// try runs the tool on an image.
func (t tool) try(ctx context.Context, s *subject) run {
	commands, ok := t.args(s)
	if !ok {
		return run{missing: true}
	}
	var all run
	for _, args := range commands {
		r := execute(ctx, t.env, t.program, args...)
		all.output += r.output + "\n"
		if all.code == 0 {
			all.code = r.code
		}
	}
	all.output = strings.TrimSpace(all.output)
	return all
}
