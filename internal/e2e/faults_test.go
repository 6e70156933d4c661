package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/plimsoll-build/plimsoll/internal/testenv"
)

// TestFaultsThroughBuildx breaks the small service and reads what a user sees.
func TestFaultsThroughBuildx(t *testing.T) {
	b := bed(t)
	tests := []struct {
		name, old, new string
		args           []string
		want           []string
	}{
		{name: "unknown key", old: "image:\n", new: "imag: 1\nimage:\n", want: []string{`there is no key "imag"`, `did you mean "image"`, "plimsoll.yaml:8", ">>>"}},
		{name: "two problems at once", old: "image:\n", new: "x: 1\nruntime: {memory: {max: 1G}}\nimage:\n", want: []string{`"x"`, "1GiB"}},
		{name: "missing main", old: "build:\n", new: "build:\n  main: ./nowhere\n", want: []string{"there is no directory nowhere", "plimsoll.yaml:5", ">>>"}},
		{name: "missing file", old: "from: data", new: "from: nothing", want: []string{"nothing is not in the build context", ">>>"}},
		{name: "compile error", old: "println(word, version)", new: "nonsense()", want: []string{"main.go:5:15: undefined: nonsense"}},
		{name: "no such base", old: "image:\n", new: "image:\n  base: 127.0.0.1:1/no/such:1\n", want: []string{"127.0.0.1:1/no/such", ">>>"}},
		{name: "unknown platform", args: []string{"--platform", "linux/vax"}, want: []string{"vax"}},
		{name: "no such target", args: []string{"--target", "nonsense"}, want: []string{"nonsense", "binary"}},
		{name: "a subrequest", args: []string{"--call", "outline"}, want: []string{"subrequests"}},
		{name: "a secret that is not given", old: app, new: privateApp, want: []string{"creds"}},
		{name: "hidden by an ignore file", old: "-- go.mod --\n", new: "-- .dockerignore --\nmain.go\n-- go.mod --\n", want: []string{"no Go files"}},
		{name: "not supported yet", old: "image:\n", new: "image:\n  health: {http: \"http://127.0.0.1\"}\n", want: []string{"not supported yet", ">>>"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			source := app
			if tt.old != "" {
				source = strings.Replace(app, tt.old, tt.new, 1)
			}
			dir := unpack(t, source)
			dest := filepath.Join(t.TempDir(), "a.tar")
			args := append([]string{"build", "--progress=plain", "-f", dir + "/plimsoll.yaml", "-o", "type=oci,dest=" + dest}, tt.args...)
			res := b.Buildx(t, nil, append(args, dir)...)
			if res.Err == nil {
				t.Fatal("it was built")
			}
			for _, want := range tt.want {
				has(t, "buildx's output", res.Stderr, want)
			}
			lacks(t, "buildx's output", res.Stderr, "panic")
			if info, err := os.Stat(dest); err == nil && info.Size() > 0 {
				t.Error("an output was left behind")
			}
		})
	}
}

// TestInterrupted stops both engines while they compile.
func TestInterrupted(t *testing.T) {
	b := bed(t)
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	steps := map[string]string{"embedded": "compile app", "buildkit": "compile the service's own packages"}
	for name, args := range map[string][]string{"embedded": nil, "buildkit": {"--addr", b.Daemon.Addr, "--no-cache"}} {
		t.Run(name, func(t *testing.T) {
			// A new word is a new link; a fresh build cache makes it take its time.
			dir, out := unpack(t, app), t.TempDir()
			line := append([]string{"build"}, args...)
			cmd := exec.Command(bin, append(line, "--progress", "plain", "--build-arg", "WORD="+name, "-o", "type=oci,tar=false,dest="+out+"/l", "-o", "type=oci,dest="+out+"/a.tar", dir)...)
			cmd.Env = append(os.Environ(), "PLIMSOLL_CACHE="+out+"/cache", "GOCACHE="+t.TempDir())
			var log testenv.Buffer
			cmd.Stderr = &log
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			testenv.WaitFor(t, time.Minute, func() error {
				if !strings.Contains(log.String(), steps[name]) {
					return os.ErrNotExist
				}
				return nil
			})
			if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != 130 {
				t.Errorf("exit code %d\n%s", code, log.String())
			}
			left, err := filepath.Glob(out + "/[la.]*")
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// TestDiskFull builds onto a small tmpfs: an error that says so, and no half of a file.
func TestDiskFull(t *testing.T) {
	b := bed(t)
	small := t.TempDir()
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=300k"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(small, syscall.MNT_DETACH) })
	dir := unpack(t, app)
	for name, args := range map[string][]string{
		"archive": {"-o", "type=oci,dest=" + small + "/a.tar"}, "layout": {"-o", "type=oci,tar=false,dest=" + small + "/l"},
		"rootfs": {"-o", "type=local,dest=" + small + "/r"}, "daemon": {"--addr", b.Daemon.Addr, "-o", "type=oci,dest=" + small + "/d.tar"},
	} {
		res := plimsoll(t, b, nil, append(append([]string{"build"}, args...), dir)...)
		if res.code != 1 {
			t.Errorf("%s: exit code %d\n%s", name, res.code, res.stderr)
		}
		has(t, name+"'s error", res.stderr, "no space left on device")
		left, err := os.ReadDir(small)
		if err != nil || len(left) > 0 {
			t.Errorf("%s left behind: %v, %v", name, left, err)
		}
	}
}
