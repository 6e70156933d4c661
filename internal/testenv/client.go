package testenv

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Output is what a command printed, and how it ended.
type Output struct {
	Stdout, Stderr string
	// Err is nil for exit code 0.
	Err error
}

// Must fails the test if the command failed.
func (o Output) Must(t testing.TB) Output {
	t.Helper()
	if o.Err != nil {
		t.Fatalf("%v\n%s%s", o.Err, o.Stdout, o.Stderr)
	}
	return o
}

// Buildx runs buildx with the arguments on the bed's daemon, as a person's
// `docker buildx` with a remote builder, in a configuration of the test's own. env
// is added to the environment.
func (b *Bed) Buildx(t testing.TB, env []string, args ...string) Output {
	t.Helper()
	return b.BuildxOn(t, b.Daemon, env, args...)
}

// BuildxOn is Buildx on another daemon.
func (b *Bed) BuildxOn(t testing.TB, d *Daemon, env []string, args ...string) Output {
	t.Helper()
	config := t.TempDir()
	env = append([]string{
		"DOCKER_CONFIG=" + config, "BUILDX_CONFIG=" + filepath.Join(config, "buildx"), "BUILDX_BUILDER=bed",
	}, env...)
	runCommand(t.Context(), env, b.Tools.Buildx, "create", "--name", "bed", "--driver", "remote", d.Addr).Must(t)
	return runCommand(t.Context(), env, b.Tools.Buildx, args...)
}

// Buildctl runs buildctl with the arguments on the bed's daemon.
func (b *Bed) Buildctl(t testing.TB, args ...string) Output {
	t.Helper()
	env := []string{"DOCKER_CONFIG=" + t.TempDir(), "BUILDKIT_HOST=" + b.Daemon.Addr}
	return runCommand(t.Context(), env, b.Tools.Buildctl, args...)
}

func runCommand(ctx context.Context, env []string, program string, args ...string) Output {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("%s %s: %w", filepath.Base(program), args[0], err)
	}
	return Output{Stdout: stdout.String(), Stderr: stderr.String(), Err: err}
}

// DockerConfig writes docker's config.json with the credentials of each registry
// and returns its directory.
func DockerConfig(t testing.TB, registries map[string]Credentials) string {
	t.Helper()
	type entry struct {
		Auth string `json:"auth"`
	}
	auths := map[string]entry{}
	for addr, c := range registries {
		auths[addr] = entry{base64.StdEncoding.EncodeToString([]byte(c.User + ":" + c.Password))}
	}
	data, err := json.Marshal(map[string]any{"auths": auths})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
