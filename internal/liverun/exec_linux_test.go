package liverun

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"
)

// testExec: an image whose program cannot be executed is told from a host that cannot run one.
func testExec(t *testing.T, name string) {
	for entrypoint, content := range map[string]*tar.Header{
		"/missing": nil,
		"/plain":   {Mode: 0o644},
		"/text":    {Mode: 0o755},
		"/root":    {Mode: 0o700},
		"/dir":     {Mode: 0o755, Typeflag: tar.TypeDir},
	} {
		t.Run(entrypoint, func(t *testing.T) {
			i := image(t, "1.26")
			if content != nil {
				addFile(t, &i, entrypoint, content)
			}
			i.Config.Config.Entrypoint = []string{entrypoint}
			seal(t, &i)
			obs, err := Run(t.Context(), i, Options{Runtime: name, For: time.Minute})
			if _, ok := errors.AsType[*ExecError](err); !ok {
				t.Errorf("%v, exit code %d: %s", err, obs.Exit, obs.Log)
			}
			nothingLeft(t, name)
		})
	}
	t.Run("a runtime that fails", func(t *testing.T) {
		i := image(t, "1.26")
		i.Config.Config.Volumes = map[string]struct{}{"/service": {}} // a file, where nothing can be mounted
		seal(t, &i)
		_, err := Run(t.Context(), i, Options{Runtime: name, For: time.Minute})
		if _, ok := errors.AsType[*ExecError](err); ok || err == nil {
			t.Error(err)
		}
		nothingLeft(t, name)
	})
}

func addFile(t *testing.T, i *Image, name string, h *tar.Header) {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	h.Name = strings.TrimPrefix(name, "/")
	if h.Typeflag != tar.TypeDir {
		h.Size = int64(len("text"))
	}
	check(t, w.WriteHeader(h))
	if h.Size > 0 {
		_, err := io.WriteString(w, "text")
		check(t, err)
	}
	check(t, w.Close())
	i.Layers = append(i.Layers, func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	i.Config.RootFS.DiffIDs = append(i.Config.RootFS.DiffIDs, digest.FromBytes(b.Bytes()))
}

// testRoot: the root can be written to if that was asked for, and the copy goes.
func testRoot(t *testing.T, name string) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	i := image(t, "1.26")
	i.Config.Config.User = "0:0"
	seal(t, &i)
	for writable, want := range map[bool]int{false: 5, true: 0} {
		obs, err := Run(t.Context(), i, Options{Runtime: name, For: time.Minute, Args: []string{"write", "/file"}, WritableRoot: writable})
		check(t, err)
		if obs.Lived || obs.Exit != want {
			t.Errorf("writable %t: exit code %d: %s", writable, obs.Exit, obs.Log)
		}
	}
	left, err := os.ReadDir(dir)
	check(t, err)
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A temporary directory without execution is no fault of the image.
func TestNoexec(t *testing.T) {
	dir := t.TempDir()
	check(t, unix.Mount("none", dir, "tmpfs", unix.MS_NOEXEC, ""))
	defer func() { check(t, unix.Unmount(dir, 0)) }()
	t.Setenv("TMPDIR", dir)
	i, o := image(t, "1.26"), Options{Runtime: "runc", For: time.Minute, Args: []string{"exit", "3"}}
	obs, err := Run(t.Context(), i, o)
	if err != nil || obs.Exit != 3 {
		t.Errorf("read-only: %v, exit code %d: %s", err, obs.Exit, obs.Log)
	}
	o.WritableRoot = true
	_, err = Run(t.Context(), i, o)
	if _, ok := errors.AsType[*ExecError](err); ok || err == nil || !strings.Contains(err.Error(), "TMPDIR") {
		t.Errorf("writable: %v", err)
	}
}

// Nor is a umask that keeps the image's user out of the copy.
func TestUmask(t *testing.T) {
	i := image(t, "1.26")
	defer syscall.Umask(syscall.Umask(0o077))
	obs, err := Run(t.Context(), i, Options{Runtime: "runc", For: time.Minute, Args: []string{"exit", "3"}})
	if err != nil || obs.Exit != 3 {
		t.Errorf("%v, exit code %d: %s", err, obs.Exit, obs.Log)
	}
}

// TestRemappedUser: a process in a user namespace runs as the user that the image names.
func TestRemappedUser(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "sleep", "3600")
	cmd.Env = []string{"GODEBUG=" + trace}
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 100000, Size: 65536}}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: true,
		Credential: &syscall.Credential{Uid: 65532, Gid: 7},
	}
	check(t, cmd.Start())
	defer func() { _ = cmd.Wait() }()
	defer func() { check(t, cmd.Process.Kill()) }()
	p := look(os.DirFS("/"), cmd.Process.Pid)
	if p == nil || p.UID != 65532 || p.GID != 7 {
		t.Errorf("%+v", p)
	}
}
