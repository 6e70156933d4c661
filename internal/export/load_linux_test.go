package export

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// The loaders are scripts: what they are given must be a docker archive.
func TestLoad(t *testing.T) {
	const takes = "#!/bin/sh\n[ \"$1\" = load ] && cat > \"$0.tar\"\n"
	const down = "#!/bin/sh\necho cannot connect to the daemon >&2\nexit 1\n"
	for _, test := range []struct{ name, docker, podman, loaded string }{
		{"docker", takes, takes, "docker"},
		{"podman alone", "", takes, "podman"},
		{"docker is down", down, takes, "podman"},
		{"neither works", down, "", ""},
		{"none", "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, script := range map[string]string{"docker": test.docker, "podman": test.podman} {
				if script == "" {
					continue
				}
				if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			cat := strings.Split(os.Getenv("PATH"), ":")
			linkCat(t, cat, dir)
			t.Setenv("PATH", dir)
			_, err := Write(t.Context(), Artifact{Image: hello(t)}, []Output{{Type: TypeDocker}}, Options{Names: []string{"app:v1"}})
			if test.loaded == "" {
				if !errors.Is(err, ErrNoLoader) || (test.docker != "" && !strings.Contains(err.Error(), "cannot connect")) {
					t.Fatalf("error %v, want ErrNoLoader with the reason", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			img, err := tarball.ImageFromPath(filepath.Join(dir, test.loaded+".tar"), nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := validate.Image(img); err != nil {
				t.Error(err)
			}
		})
	}
}

// A full disk is an error, not a short file.
func TestDiskFull(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	_, err = Write(t.Context(), Artifact{Image: hello(t)}, []Output{{Type: TypeOCI, Dest: Stdout}}, Options{Stdout: full})
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error %v, want ENOSPC", err)
	}
	_, err = Write(t.Context(), Artifact{Image: hello(t)}, []Output{{Type: TypeOCI, Dest: "/dev/full"}}, Options{})
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error %v, want ENOSPC", err)
	}
}

// linkCat gives the scripts the one command that they need.
func linkCat(t *testing.T, path []string, dir string) {
	t.Helper()
	for _, p := range path {
		if _, err := os.Stat(filepath.Join(p, "cat")); err == nil {
			if err := os.Symlink(filepath.Join(p, "cat"), filepath.Join(dir, "cat")); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatal("there is no cat")
}
