package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// nobody is a user who owns nothing.
const nobody = 65534

// builtByNobody builds with no daemon as another user, who has another home, umask and
// directory.
func builtByNobody(t *testing.T) string {
	t.Helper()
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	root, dir := t.TempDir(), unpack(t, app)
	groupWritable(t, dir)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Chmod(filepath.Dir(root), 0o755)) //nolint:gosec // nobody has to reach what lies in it
	data, err := os.ReadFile(bin)
	must(err)
	mine := filepath.Join(root, "plimsoll")
	must(os.WriteFile(mine, data, 0o755)) //nolint:gosec // a program
	home := filepath.Join(root, "home")
	must(os.Mkdir(home, 0o700))
	must(os.Chown(home, nobody, nobody))

	dest := filepath.Join(home, "layout")
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `umask 002; exec "$@"`, "sh",
		mine, "build", "-q", "-o", "type=oci,tar=false,dest="+dest, dir)
	cmd.Dir = home
	cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "LANG=tr_TR.UTF-8", "TZ=Asia/Kathmandu"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building as nobody: %v\n%s", err, out)
	}
	return dest
}

// TestRebuild proves images that were made elsewhere by building their source again: by
// another user, by a daemon that shares nothing with the one that rebuilds, and each engine's
// by the other. With a line of the source changed, it names the function.
func TestRebuild(t *testing.T) {
	b := bed(t)
	dir := unpack(t, app)
	byDaemon := filepath.Join(t.TempDir(), "layout")
	plimsoll(t, b, nil, "build", "-q", "--addr", b.Daemon.Addr, "-o", "type=oci,tar=false,dest="+byDaemon, dir).must(t)
	byNobody := builtByNobody(t)
	changed := unpack(t, strings.Replace(app, "println(word, version)", "println(version, word)", 1))
	daemon := []string{"--engine", "buildkit", "--addr", b.FreshDaemon(t).Addr}
	for _, c := range []struct {
		name, layout, source string
		flags                []string
	}{
		{"by nobody, again by us", byNobody, dir, nil},
		{"by nobody, again by a daemon", byNobody, dir, daemon},
		{"by a daemon, again by us", byDaemon, dir, nil},
		{"by a daemon, again by another", byDaemon, dir, daemon},
		{"another source, by a daemon, again by us", byDaemon, changed, nil},
		{"another source, by nobody, again by a daemon", byNobody, changed, daemon},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"verify", "--require", "rebuild", "--spec", filepath.Join(c.source, "plimsoll.yaml"), "--rebuild"}, c.flags...)
			r := plimsoll(t, b, nil, append(args, "oci:"+c.layout)...)
			if c.source == changed {
				wantMain(t, r)
				return
			}
			has(t, "the report", r.must(t).stdout, "pass     rebuild ")
		})
	}
}

// wantMain wants a report that names main.main, and no other function.
func wantMain(t *testing.T, r result) {
	t.Helper()
	var functions []string
	for line := range strings.Lines(r.stdout) {
		if _, name, ok := strings.Cut(line, "/app function "); ok {
			functions = append(functions, name)
		}
	}
	if r.code != 1 || len(functions) != 1 || !strings.HasPrefix(functions[0], "main.main: ") || strings.Contains(r.stdout, "unknown") {
		t.Errorf("exit code %d, functions %q\n%s%s", r.code, functions, r.stdout, r.stderr)
	}
}

// TestRebuildThatCannotBe wants unknown, which fails, where building again says nothing.
func TestRebuildThatCannotBe(t *testing.T) {
	b := bed(t)
	dir := unpack(t, app)
	layout := embeddedLayout(t, b, dir)
	broken := unpack(t, strings.Replace(app, "println(word, version)", "nonsense()", 1))
	for name, args := range map[string][]string{
		"source that does not compile": {"--spec", broken + "/plimsoll.yaml"},
		"no daemon":                    {"--spec", dir + "/plimsoll.yaml", "--engine", "buildkit", "--addr", "unix://" + dir + "/nothing.sock"},
	} {
		res := plimsoll(t, b, nil, append([]string{"verify", "--rebuild", "oci:" + layout}, args...)...)
		if res.code != 1 || !strings.Contains(res.stdout, "unknown  rebuild ") {
			t.Errorf("%s: exit code %d\n%s%s", name, res.code, res.stdout, res.stderr)
		}
	}
}
