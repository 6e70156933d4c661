package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
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
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	named, err := os.ReadFile(self) // its host's ID is that of another build ID
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		version, buildID, archive string
		flags                     []string
		binary                    []byte
		want                      bool
	}{
		"known":                  {"link version go1.99.9", id + "/act/con/" + id, archive, nil, unnamed, true},
		"more in the name":       {"link version go1.99.9", of(append(texts, "x")) + "/act/con/" + id, archive, nil, unnamed, false},
		"no release":             {"link version devel go1.99 buildID=a/b", id + "/act/con/" + id, archive, nil, unnamed, false},
		"two parts":              {"link version go1.99.9", id + "/" + id, archive, nil, unnamed, false},
		"another end":            {"link version go1.99.9", id + "/act/con/x", archive, nil, unnamed, false},
		"archive without an ID":  {"link version go1.99.9", id + "/act/con/" + id, "!<arch>\n", nil, unnamed, false},
		"another host's ID":      {"link version go1.99.9", id + "/act/con/" + id, archive, nil, named, false},
		"host's ID of the flags": {"link version go1.99.9", id + "/act/con/" + id, archive, []string{"--B", "0x12"}, named, true},
		"no binary":              {"link version go1.99.9", id + "/act/con/" + id, archive, nil, []byte("#!/bin/sh\n"), false},
	} {
		t.Run(name, func(t *testing.T) {
			dir, work := t.TempDir(), t.TempDir()
			main, linker, config := filepath.Join(work, "b001", "_pkg_.a"), filepath.Join(work, "tool", "link"), filepath.Join(work, "b001", "importcfg.link")
			for file, text := range map[string]string{
				main:                       c.archive,
				linker:                     "#!/bin/sh\n[ \"$1\" = -V=full ] && echo " + c.version + " || (cat \"$0.made\"; echo \"$@\") > \"$2\"\n",
				linker + ".made":           string(c.binary),
				config:                     "packagefile x.org/a=" + main + "\npackagefile fmt=" + filepath.Join(work, "fmt") + "\nmodinfo \"x\"\n",
				filepath.Join(work, "fmt"): archive,
			} {
				if err := write(file, []byte(text), time.Now()); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(linker, 0o755); err != nil {
				t.Fatal(err)
			}
			binaries, err := json.Marshal(map[string][]wanted{"x.org/a": {{dir, c.flags, make([]int, len(c.flags))}}})
			if err != nil {
				t.Fatal(err)
			}
			for key, value := range map[string]string{"TOOLEXEC_IMPORTPATH": "x.org/a", "GOOS": "linux", "GOARCH": "amd64", "GOAMD64": "v2", binariesVariable: string(binaries)} {
				t.Setenv(key, value)
			}
			out := filepath.Join(work, "a.out")
			err = tool(later, []string{linker, "-o", out, "-importcfg", config, "-X=runtime.godebugDefault=x=1", "-buildid=" + c.buildID, later, main})
			if (err == nil) != c.want {
				t.Fatalf("%v, want success: %t", err, c.want)
			}
			if _, err := os.Stat(linkingFile(dir)); (err == nil) != c.want {
				t.Fatalf("what was written down: %v", err)
			}
		})
	}
}

// unnamed is an ELF file of a head alone, without a host's ID.
var unnamed = []byte("\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 13) + "\x01" + strings.Repeat("\x00", 43))

// TestLinkWithOtherFlags holds what the flags change in a command line.
func TestLinkWithOtherFlags(t *testing.T) {
	flags := []string{"-s", "-X", "a=b c"}
	l := linking{
		Later: later, Given: "i/m/c/i", Hashed: []string{"go1", hashedFlags([]string{later})}, Flags: flags,
		argv: []string{"/go/link", "-o", "/work/b001/exe/a.out", "-importcfg", "/work/b001/importcfg.link", "-buildid=i/m/c/i", later, "-extld=gcc", "/cache/main"},
	}
	id, err := l.buildID(flags)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("go1linkflags [\"-s\" \"-X\" \"a=b c\"]\n"))
	if want := idOf(sum[:]); id != want+"/m/c/"+want {
		t.Errorf("the build ID is %s, want %s", id, want)
	}
	got := l.command("/out/a", id)
	want := []string{"/go/link", "-o", "/out/a", "-importcfg", "/work/b001/importcfg.link", "-buildid=" + id, "-s", "-X", "a=b c", "-extld=gcc", "/cache/main"}
	if !slices.Equal(got, want) {
		t.Errorf("the command line is\n%q, want\n%q", got, want)
	}
}

// TestPlaceholderTwice is of binaries that happen to hold what would be a placeholder.
func TestPlaceholderTwice(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		want   bool
	}{
		"once":    {"echo $@", true},
		"nowhere": {"echo $3", true},
		"twice":   {"[ -e \"$0.ran\" ] || echo $@; touch \"$0.ran\"; echo $@", true},
		"always":  {"echo $@ $@", false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			linker := filepath.Join(dir, "link")
			script := "#!/bin/sh\n(printf '" + strings.ReplaceAll(string(unnamed), "\x00", "\\000") + "'; " + c.script + ") > $2\n"
			if err := os.WriteFile(linker, []byte(script), 0o700); err != nil { //nolint:gosec // a program
				t.Fatal(err)
			}
			l := linking{
				Later: later, Given: "i/m/c/i", Hashed: []string{"go1", hashedFlags([]string{later})},
				argv: []string{linker, "-o", "a.out", "-buildid=i/m/c/i", later},
			}
			err := l.link(wanted{dir, []string{"-X=main.a="}, []int{8}})
			if (err == nil) != c.want || err != nil && !errors.Is(err, errTwice) {
				t.Fatalf("%v, want success: %t", err, c.want)
			}
			if _, err := os.Stat(linkingFile(dir)); (err == nil) != c.want {
				t.Errorf("what was written down: %v", err)
			}
		})
	}
}
