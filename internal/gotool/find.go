package gotool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// ErrNotFound says that there is no go command on PATH.
var ErrNotFound = errors.New("no go command on PATH: install Go from https://go.dev/dl")

// Tool is one Go toolchain.
type Tool struct {
	// Root is its GOROOT, an absolute path.
	Root string
	// Version is what it calls itself, without the "go" prefix: "1.26.8",
	// "1.26.8-corp", "devel go1.27-3f1c2a …".
	Version string
	// Ambient is the environment that is taken from the host, sorted: NAME=VALUE
	// of the names in plan.Ambient and no others.
	Ambient []string
}

// Find locates the go command on the PATH of environ, in os.Environ's form, and
// reads the ambient set from environ and from the configuration that the user
// keeps with `go env -w`. ErrNotFound is its error without a go command.
func Find(ctx context.Context, environ []string) (Tool, error) {
	host := lookup(environ)
	bin, err := lookPath(host["PATH"])
	if err != nil {
		return Tool{}, err
	}
	// Two questions at once, with the GOROOT that the command most likely has.
	guess := rootOf(bin)
	guessed := make(chan map[string]string, 1)
	go func() {
		config, _ := configuration(ctx, bin, host, guess)
		guessed <- config
	}()
	self, err := goEnv(ctx, bin, scrubbed(host, "GOENV=off"), "GOROOT", "GOVERSION")
	config := <-guessed
	if err != nil {
		return Tool{}, fmt.Errorf("asking %s for its version: %w", bin, err)
	}
	if self["GOROOT"] == "" || self["GOVERSION"] == "" {
		return Tool{}, fmt.Errorf("%s does not say its GOROOT and GOVERSION: Go 1.21 or newer is needed", bin)
	}
	if config == nil || self["GOROOT"] != guess {
		if config, err = configuration(ctx, bin, host, self["GOROOT"]); err != nil {
			return Tool{}, fmt.Errorf("reading the go command's configuration: %w", err)
		}
	}
	return Tool{
		Root:    self["GOROOT"],
		Version: strings.TrimPrefix(self["GOVERSION"], "go"),
		Ambient: ambient(host, config),
	}, nil
}

// rootOf is the GOROOT of a go command that lies in the bin directory of one.
func rootOf(bin string) string {
	if real, err := filepath.EvalSymlinks(bin); err == nil {
		bin = real
	}
	return filepath.Dir(filepath.Dir(bin))
}

// configuration is what the user's file says. The two variables of it which can make the go
// command fail are overridden.
func configuration(ctx context.Context, bin string, host map[string]string, root string) (map[string]string, error) {
	env := scrubbed(host, "GOENV="+host["GOENV"], "GOROOT="+root, "GOEXPERIMENT=none")
	return goEnv(ctx, bin, env, configNames()...)
}

// configNames are the ambient names that `go env -w` can set. GOMAXPROCS is the
// Go runtime's, not the go command's.
func configNames() []string {
	return slices.DeleteFunc(plan.Ambient(), func(name string) bool {
		return !strings.HasPrefix(name, "GO") || name == "GOMAXPROCS"
	})
}

// ambient merges what the go command says over what the host's environment says.
func ambient(host, config map[string]string) []string {
	var env []string
	for _, name := range plan.Ambient() {
		value := host[name]
		if v := config[name]; v != "" {
			value = v
		}
		if value != "" {
			env = append(env, name+"="+value)
		}
	}
	slices.Sort(env)
	return env
}

// scrubbed is an environment for questions to the go command: the ambient names
// of the host, and nothing that could make it switch toolchains or fail.
func scrubbed(host map[string]string, extra ...string) []string {
	env := append(ambient(host, nil), "GOTOOLCHAIN=local", "GOWORK=off", "GOFLAGS=")
	return append(env, extra...)
}

// goEnv asks for variables of the go command.
func goEnv(ctx context.Context, bin string, env []string, names ...string) (map[string]string, error) {
	out, err := run(ctx, bin, Command{
		Argv: append([]string{"go", "env", "-json"}, names...), Env: env,
	})
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	if err := json.Unmarshal(out, &values); err != nil {
		return nil, fmt.Errorf("decoding the output of go env: %w", err)
	}
	return values, nil
}

// lookPath finds go on the PATH that is given, not on this process's.
func lookPath(path string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			continue // as os/exec: never run what lies in the working directory
		}
		bin := filepath.Join(dir, exe("go"))
		info, err := os.Stat(bin)
		if err == nil && info.Mode().IsRegular() && (runtime.GOOS == "windows" || info.Mode()&0o111 != 0) {
			return bin, nil
		}
	}
	return "", ErrNotFound
}

func exe(name string) string {
	if runtime.GOOS == "windows" {
		return name + ".exe"
	}
	return name
}

// lookup is environ by name; the last of equal names wins, as in os/exec.
func lookup(environ []string) map[string]string {
	env := make(map[string]string, len(environ))
	for _, kv := range environ {
		if name, value, ok := strings.Cut(kv, "="); ok {
			env[name] = value
		}
	}
	return env
}
