package gotool

import (
	"context"
	"fmt"
	"go/version"
	"os"
	"path/filepath"
	"strings"
)

// Satisfy is the toolchain for a wish: version want (without the "go" prefix) if
// exact, else want or anything newer. The host's is taken if it will do; a
// minimum is otherwise met by the newest patch of its minor, since the standard
// library of an old patch has known holes. A version that the host lacks is
// fetched through its go command, once: it is kept in the module cache.
func Satisfy(ctx context.Context, host Tool, want string, exact bool) (Tool, error) {
	if !version.IsValid("go" + want) {
		return Tool{}, fmt.Errorf("%q is not a Go version", want)
	}
	if host.satisfies(want, exact) {
		return host, nil
	}
	if !exact {
		patch, err := newestPatch(ctx, host, want)
		if err != nil {
			return Tool{}, fmt.Errorf("looking for a Go release of at least %s (the host's is %s): %w", want, host.Version, err)
		}
		want = patch
	}
	tool, err := fetch(ctx, host, want)
	if err != nil {
		return Tool{}, fmt.Errorf("fetching Go %s (the host's is %s): %w", want, host.Version, err)
	}
	return tool, nil
}

// satisfies compares versions. A suffix ("1.26.8-corp", "1.26.8 X:…") or a
// development version says that this is not that release: it is never an exact
// match for one, but it does meet a minimum.
func (t Tool) satisfies(want string, exact bool) bool {
	if exact {
		return t.Version == want
	}
	return version.Compare(t.release(), "go"+want) >= 0
}

// release is the version in the form of package go/version; empty if it has none.
func (t Tool) release() string {
	if rest, devel := strings.CutPrefix(t.Version, "devel "); devel {
		v, _, _ := strings.Cut(rest, "-") // "devel go1.27-3f1c2a": ahead of every release of 1.26
		return v
	}
	v, _, _ := strings.Cut(t.Version, " ")
	return "go" + v
}

// newestPatch asks the module proxy which releases there are.
func newestPatch(ctx context.Context, host Tool, want string) (string, error) {
	out, err := host.ask(ctx, "local", "list", "-m", "-versions", "go")
	if err != nil {
		return "", err
	}
	newest := ""
	for v := range strings.FieldsSeq(string(out)) {
		switch v = "go" + v; {
		case version.Lang(v) != version.Lang("go"+want), version.Compare(v, "go"+want) < 0:
		case version.Compare(v, newest) > 0 && !prerelease(v):
			newest = v
		}
	}
	if newest == "" {
		return "", fmt.Errorf("the module proxy lists no release of %s from %s on", version.Lang("go"+want), want)
	}
	return strings.TrimPrefix(newest, "go"), nil
}

func prerelease(v string) bool {
	return strings.Contains(v, "rc") || strings.Contains(v, "beta")
}

// fetch lets the host's go command get another toolchain and takes it from there.
func fetch(ctx context.Context, host Tool, want string) (Tool, error) {
	out, err := host.ask(ctx, "go"+want, "env", "GOROOT", "GOVERSION")
	if err != nil {
		return Tool{}, err
	}
	root, got, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	tool := Tool{Root: strings.TrimSpace(root), Version: strings.TrimPrefix(strings.TrimSpace(got), "go"), Ambient: host.Ambient}
	if tool.Version != want {
		return Tool{}, fmt.Errorf("the go command brought %s in its place", tool.Version)
	}
	if _, err := os.Stat(tool.bin()); err != nil {
		return Tool{}, fmt.Errorf("the toolchain has no go command: %w", err)
	}
	return tool, nil
}

// ask runs go with the ambient set and a choice of toolchain, in a module of its own.
func (t Tool) ask(ctx context.Context, toolchain string, args ...string) ([]byte, error) {
	return run(ctx, t.bin(), Command{
		Argv: append([]string{"go"}, args...),
		Env:  append(scrubbed(lookup(t.Ambient), "GOENV=off"), "GOTOOLCHAIN="+toolchain),
	})
}

func (t Tool) bin() string { return filepath.Join(t.Root, "bin", exe("go")) }
