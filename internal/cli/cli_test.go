package cli

import (
	"context"
	"errors"
	"flag"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write what scripts compare with")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"plimsoll": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		os.Exit(Run(ctx, os.Args[1:], Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
	}})
}

// TestScripts is what a user sees: each script of testdata/script is a session.
func TestScripts(t *testing.T) {
	open := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(open.Close) // the scripts run after this function
	closed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(closed.Close)
	kept := goEnv(t, "GOCACHE", "GOMODCACHE", "GOPROXY")
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		UpdateScripts:       *update,
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Vars = append(e.Vars, kept...)
			e.Setenv("REGISTRY", strings.TrimPrefix(open.URL, "http://"))
			e.Setenv("CLOSED", strings.TrimPrefix(closed.URL, "http://"))
			e.Setenv("PLIMSOLL_CACHE", filepath.Join(e.WorkDir, ".cache"))
			e.Setenv("HOME", filepath.Join(e.WorkDir, ".home"))
			for _, name := range []string{"SSL_CERT_FILE", "SSL_CERT_DIR"} {
				e.Setenv(name, os.Getenv(name))
			}
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":   exits,
			"count":   count,
			"umask":   umask,
			"absent":  absent,
			"down":    down,
			"spoil":   spoil,
			"relabel": relabel,
		},
	})
}

// goEnv keeps Go's caches, so that scripts do not compile the standard library anew.
func goEnv(t *testing.T, names ...string) []string {
	t.Helper()
	var vars []string
	for _, name := range names {
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		vars = append(vars, name+"="+strings.TrimSpace(string(out)))
	}
	return vars
}

// exits CODE COMMAND… runs a command that must end with that code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if strings.Contains(ts.ReadFile("stderr"), "panic:") {
		ts.Fatalf("it panicked")
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// count N FILE TEXT: the text stands N times in the file (or in stdout, stderr).
func count(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := strings.Count(ts.ReadFile(args[1]), args[2]); got != want {
		ts.Fatalf("%q stands %d times in %s, want %d", args[2], got, args[1], want)
	}
}

// umask MASK FILE…: gives files the modes that a checkout under the mask has.
func umask(ts *testscript.TestScript, _ bool, args []string) {
	mask, err := strconv.ParseUint(args[0], 8, 32)
	ts.Check(err)
	for _, name := range args[1:] {
		ts.Check(filepath.WalkDir(ts.MkAbs(name), func(p string, d os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			mode := os.FileMode(0o666)
			if d.IsDir() {
				mode = 0o777
			}
			return os.Chmod(p, mode&^os.FileMode(mask))
		}))
	}
}

// absent PATTERN…: no file matches.
func absent(ts *testscript.TestScript, _ bool, args []string) {
	for _, pattern := range args {
		found, err := filepath.Glob(ts.MkAbs(pattern))
		ts.Check(err)
		if len(found) > 0 {
			ts.Fatalf("left behind: %v", found)
		}
	}
}

// down sets $DOWN to an address where nobody listens.
func down(ts *testscript.TestScript, _ bool, _ []string) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	ts.Setenv("DOWN", strings.TrimPrefix(s.URL, "http://"))
}

// spoil empties the JSON objects that a directory holds.
func spoil(ts *testscript.TestScript, _ bool, args []string) {
	files, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*"))
	ts.Check(err)
	if len(files) == 0 {
		ts.Fatalf("%s holds nothing", args[0])
	}
	for _, file := range files {
		ts.Check(os.WriteFile(file, []byte("{}"), 0o644))
	}
}
