package cacheprog_test

import (
	"bytes"
	"go/version"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/cacheprog"
	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// twoMains has little to compile: the runtime.
var twoMains = map[string]string{
	"go.mod":          "module example.com/two\n\ngo 1.21\n",
	"main.go":         "package main\n\nimport \"example.com/two/shared\"\n\nvar version, text, unused string\n\nfunc main() { println(shared.Word, version, text) }\n",
	"cmd/b/main.go":   "//go:debug panicnil=1\npackage main\n\nimport \"example.com/two/shared\"\n\nvar version string\n\nfunc main() { println(shared.Word, version) }\n",
	"shared/share.go": "package shared\n\nconst Word = \"word\"\n",
}

// TestStampIsThatOfGoBuild stamps, and lets the go command of each release that is said to be
// known link with the stamp, and compares the bytes.
func TestStampIsThatOfGoBuild(t *testing.T) {
	s := open(t)
	dir := filepath.Join(work, "two")
	writeFiles(t, dir, twoMains)
	here := version.Lang(runtime.Version())
	if !slices.Contains(cacheprog.Stamps, here) {
		t.Fatalf("%s, which runs this test, is not among the releases that are known: %q", here, cacheprog.Stamps)
	}
	for _, release := range cacheprog.Stamps {
		toolchain := release + ".0"
		if release == here {
			toolchain = "local"
		}
		stampedAlike(t, s, dir, release, "GOTOOLCHAIN="+toolchain)
	}
	stampedAlike(t, s, dir, "arm", "GOTOOLCHAIN=local", "GOARCH=arm", "GOARM=6")
	stampedAlike(t, s, dir, "arm64", "GOTOOLCHAIN=local", "GOARCH=arm64")
	stampedAlike(t, s, dir, "s390x", "GOTOOLCHAIN=local", "GOARCH=s390x")
}

func stampedAlike(t *testing.T, s *shop, dir, name string, env ...string) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		out := t.TempDir()
		cache := filepath.Join(out, "cache")
		command := func(argv ...string) *exec.Cmd {
			cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
			cmd.Dir = dir
			cmd.Env = append(append(os.Environ(), "GOWORK=off", "GOFLAGS=", "CGO_ENABLED=0", "GOOS=linux", "PWD="+dir), env...)
			return cmd
		}
		must := func(cmd *exec.Cmd) {
			t.Helper()
			if text, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%q: %v\n%s", cmd.Args, err, text)
			}
		}
		must(command("go", "version")) // it may say that it fetches itself
		c := plan.Compile{Name: "two", Flags: []string{"-trimpath", "-buildvcs=false"}}
		rows := []struct {
			importPath, pkg string
			flags           []string
		}{
			{"example.com/two", ".", []string{"-s", "-w", "-X", "main.version=v1.2.3-4\u00a0", "-X=main.text=two words, \"quotes\" and ä", "--X=main.unknown=something", "-X=main.unused=something"}},
			{"example.com/two", ".", []string{"-w", "-X=main.version=the one before counts not", "-X=main.version=the last one", "-B", "0x0123456789abcdef"}},
			{"example.com/two/cmd/b", "./cmd/b", []string{"-X", "main.version=v2", "-B=none"}},
			{"example.com/two/cmd/b", "./cmd/b", []string{"-s=false", "-w=false", "-X=main.version=1.2.3"}},
			{"example.com/two/cmd/b", "./cmd/b", []string{"-X=runtime.buildVersion=go1.99.9", "-X=main.version=v1.2"}},
			{"example.com/two/cmd/b", "./cmd/b", nil},
		}
		binaries := map[string][]cacheprog.Binary{}
		for i, row := range rows {
			dir := filepath.Join(out, strconv.Itoa(i))
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			c.Ldflags = row.flags
			binaries[row.importPath] = append(binaries[row.importPath], cacheprog.Unstamped(dir, plan.LinkerFlags(c)))
		}
		const later = "-X=flags=later"
		compile := command(plan.MainsArgv(c, []string{".", "./cmd/b"}, s.prog+" tool -ldflags "+later, later)...)
		compile.Env = append(append(compile.Env, s.served(cache, "")...), cacheprog.BinariesVariable+"="+cacheprog.Binaries(binaries))
		must(compile)
		plain := filepath.Join(out, "plain")
		for i, row := range rows {
			c.Package, c.Ldflags = row.pkg, row.flags
			ours := filepath.Join(out, strconv.Itoa(i), "ours")
			argv, err := plan.Argv(plan.Link, c, plan.Paths{Out: plain})
			if err != nil {
				t.Fatal(err)
			}
			build := command(argv...)
			build.Env = append(build.Env, "GOCACHE="+cache)
			must(build)
			stamp := command(append([]string{s.prog, "stamp", "-dir", filepath.Join(out, strconv.Itoa(i)), "-out", ours, "-time", "86400", "--"}, plan.LinkerFlags(c)...)...)
			stamp.Env = []string{} // it needs none
			must(stamp)
			if info, err := os.Stat(ours); err != nil || info.ModTime().Unix() != 86400 || info.Mode() != 0o755 {
				t.Errorf("%v, %v", info, err)
			}
			if !bytes.Equal(read(t, plain), read(t, ours)) {
				t.Errorf("%s with the flags %q is not what go build makes", row.pkg, row.flags)
			}
		}
	})
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
