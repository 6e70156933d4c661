package service

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Module is the import path of the large module, which is the root of the tree.
const Module = "example.com/fleet"

// The main packages, relative to the root.
const (
	Main   = "cmd/orders"
	Second = "cmd/ledger"
)

// Options are the size of a service.
type Options struct {
	// Seed decides every name and number.
	Seed uint64
	// Packages is the number of own packages below the main ones.
	Packages int
	// Entities is the number of types of each package, some 130 lines each.
	Entities int
	// Small leaves out the adapters with hundreds of packages behind them.
	Small bool
}

// Full is the size that the published figures are of: more than 80 own packages, 30,000
// own lines and 400 packages of other modules.
var Full = Options{Seed: 1, Packages: 80, Entities: 3}

// Quick is the size for trying the benchmark itself.
var Quick = Options{Seed: 1, Packages: 12, Entities: 1, Small: true}

// Files are the texts of a service by slash-separated path; go.mod without the
// requirements that only the go command knows, and no go.sum.
func Files(o Options) map[string]string {
	g := generator{Options: o, random: rand.New(rand.NewPCG(o.Seed, 0)), files: map[string]string{}}
	g.packages()
	g.adapters()
	g.mains()
	g.files["go.mod"] = goMod(o)
	g.files["README.md"] = "# fleet\n\nA generated service.\n"
	g.files["services/billing/go.mod"] = "module example.com/billing\n\ngo 1.26.0\n"
	g.files["services/billing/main.go"] = "// Command billing is another service of the same repository.\npackage main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"billing\") }\n"
	return g.files
}

// Write writes the service and more files into an empty directory, completes go.mod and
// go.sum by the go command, and commits everything. env is added to the environment.
func Write(ctx context.Context, dir string, o Options, more map[string]string, env []string) error {
	files := Files(o)
	maps.Copy(files, more)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := WriteFile(dir, name, files[name]); err != nil {
			return err
		}
	}
	for _, argv := range [][]string{
		{"go", "mod", "tidy"},
		{"git", "init", "-q", "-b", "main"},
		{"git", "add", "-A"},
		{"git", "commit", "-q", "-m", "first"},
	} {
		if err := run(ctx, dir, env, argv...); err != nil {
			return err
		}
	}
	return nil
}

// WriteFile writes one file of the tree, making its directories.
func WriteFile(dir, name, text string) error {
	file := filepath.Join(dir, filepath.FromSlash(name))
	err := os.MkdirAll(filepath.Dir(file), 0o755)
	if err = errors.Join(err, os.WriteFile(file, []byte(text), 0o644)); err != nil {
		return fmt.Errorf("writing the service: %w", err)
	}
	return nil
}

// run runs a command of the service's tree, away from the settings of the user.
func run(ctx context.Context, dir string, env []string, argv ...string) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=bench", "GIT_AUTHOR_EMAIL=bench@example.com", "GIT_COMMITTER_NAME=bench", "GIT_COMMITTER_EMAIL=bench@example.com")
	cmd.Env = append(cmd.Env, env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, out)
	}
	return nil
}
