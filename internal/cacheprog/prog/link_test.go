package main

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const later = "-X=a=later"

// TestLinkThatIsNotKnown is of go commands that name their links in other ways than the known
// one, or hide something: none of it must come to a binary.
func TestLinkThatIsNotKnown(t *testing.T) {
	const archive = "!<arch>\n__.PKGDEF 0 `\ngo object linux amd64\nbuild id \"act/con\"\n\n"
	texts := []string{
		"go1.99.9", "link\n", "buildmode default goos linux goarch amd64\n", "import \"x.org/a\"\n",
		"omitdebug false standard false local false prefix \"\"\n", "defaultgodebug \"x=1\"\n", "trimpath\n",
		"link link version go1.99.9 [] exe\n", hashedFlags([]string{later}), "GOAMD64=v2\n", "GOROOT=\n", "GO_EXTLINK_ENABLED=\n",
		"packagefile x.org/a=con\n", "packagemain act/con\n", "packagefile fmt=con\n",
	}
	of := func(texts []string) string {
		sum := sha256.Sum256([]byte(strings.Join(texts, "")))
		return idOf(sum[:])
	}
	id := of(texts)
	for name, c := range map[string]struct {
		version, buildID, archive string
		kept, want                bool
	}{
		"known":                 {"link version go1.99.9", id + "/act/con/" + id, archive, true, true},
		"more in the name":      {"link version go1.99.9", of(append(texts, "x")) + "/act/con/" + id, archive, true, false},
		"no release":            {"link version devel go1.99 buildID=a/b", id + "/act/con/" + id, archive, true, false},
		"two parts":             {"link version go1.99.9", id + "/" + id, archive, true, false},
		"another end":           {"link version go1.99.9", id + "/act/con/x", archive, true, false},
		"archive without an ID": {"link version go1.99.9", id + "/act/con/" + id, "!<arch>\n", true, false},
		"archive not kept":      {"link version go1.99.9", id + "/act/con/" + id, archive, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir, work := t.TempDir(), t.TempDir()
			main, linker, config := filepath.Join(work, "b001", "_pkg_.a"), filepath.Join(work, "tool", "link"), filepath.Join(work, "b001", "importcfg.link")
			for file, text := range map[string]string{
				main:                      c.archive,
				linker:                    "#!/bin/sh\necho " + c.version + "\n",
				config:                    "packagefile x.org/a=" + main + "\npackagefile fmt=" + filepath.Join(dir, "fmt") + "\nmodinfo \"x\"\n",
				filepath.Join(dir, "fmt"): archive,
			} {
				if err := write(file, []byte(text), time.Now()); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(linker, 0o755); err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256([]byte(c.archive))
			if c.kept {
				if err := write(outputFile(dir, sum[:]), []byte(c.archive), time.Now()); err != nil {
					t.Fatal(err)
				}
			}
			for key, value := range map[string]string{"TOOLEXEC_IMPORTPATH": "x.org/a", "GOOS": "linux", "GOARCH": "amd64", "GOAMD64": "v2"} {
				t.Setenv(key, value)
			}
			out := filepath.Join(work, "a.out")
			err := tool(dir, later, []string{linker, "-o", out, "-importcfg", config, "-X=runtime.godebugDefault=x=1", "-buildid=" + c.buildID, later, main})
			if (err == nil) != c.want {
				t.Fatalf("%v, want success: %t", err, c.want)
			}
			data, err := os.ReadFile(linkingFile(dir, "x.org/a"))
			if (err == nil) != c.want {
				t.Fatalf("what was written down: %v", err)
			}
			if kept := outputFile(dir, sum[:]); c.want && strings.Contains(string(data), main) || c.want && !strings.Contains(string(data), kept) {
				t.Errorf("%s is in the working directory and will be gone:\n%s", main, data)
			}
		})
	}
}

// TestLinkWithOtherFlags holds what the flags change in a command line.
func TestLinkWithOtherFlags(t *testing.T) {
	l := linking{
		Later: later, Config: "config\n", Hashed: []string{"go1", hashedFlags([]string{later})},
		Argv: []string{"/go/link", "-o", "/work/b001/exe/a.out", "-importcfg", "/work/b001/importcfg.link", "-buildid=i/m/c/i", later, "-extld=gcc", "/cache/main"},
	}
	temp := t.TempDir()
	id, err := l.buildID([]string{"-s", "-X", "a=b c"})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("go1linkflags [\"-s\" \"-X\" \"a=b c\"]\n"))
	if want := idOf(sum[:]); id != want+"/m/c/"+want {
		t.Errorf("the build ID is %s, want %s", id, want)
	}
	got, err := l.argv(temp, "/out/a", id, []string{"-s", "-X", "a=b c"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"/go/link", "-o", "/out/a", "-importcfg", filepath.Join(temp, "importcfg.link"), "-buildid=" + id, "-s", "-X", "a=b c", "-extld=gcc", "/cache/main"}
	if !slices.Equal(got, want) {
		t.Errorf("the command line is\n%q, want\n%q", got, want)
	}
}

func TestLinkOfNothing(t *testing.T) {
	if err := link(t.TempDir(), "x.org/a", "/out/a", nil); err == nil || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without anything written down: %v", err)
	}
	name := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sign(name, "a/b/c/a"); err == nil {
		t.Error("a script was signed")
	}
}
