package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// fields are what prune has to know of a package.
const fields = "-json=Dir,Standard,GoFiles,SFiles,HFiles,SysoFiles,EmbedFiles"

// listed is one package of go list.
type listed struct {
	Dir                                            string
	GoFiles, SFiles, HFiles, SysoFiles, EmbedFiles []string
}

// listing is a go list command that compiles what it lists.
type listing struct {
	dir        string   // the build cache; empty where the go command knows of another
	lower      []string // caches below it
	warm, name string   // what earlier builds left, and of which of them; empty without one
	from, out  string   // the module cache, and where what was read of it comes; empty without one
	argv       []string
}

func (l listing) run() error {
	packages, err := l.compile()
	if err != nil || l.out == "" {
		return err
	}
	return prune(l.from, l.out, packages)
}

// compile compiles into the build cache, if it has one. Where most packages are new, as a rule,
// the go command writes it itself: the way through our server costs a fifth of the time. Where an
// earlier build of the name has left much of the same, it is served.
func (l listing) compile() (packages []listed, err error) {
	// What is not given the module cache is not keyed by it.
	indexes := l.from != ""
	switch {
	case l.dir == "":
		return list(l.argv)
	case l.known():
		packages, err = list(l.argv, "GOCACHEPROG="+l.server())
		return packages, errors.Join(err, strip(l.dir, indexes))
	}
	if err := lay(l.dir, l.lower); err != nil {
		return nil, err
	}
	packages, err = list(l.argv)
	if err = errors.Join(err, settle(l.dir, indexes)); err == nil && l.warm != "" {
		l.lend()
	}
	return packages, err
}

// server is our own command line for the go command. It knows us by an absolute path.
func (l listing) server() string {
	argv := []string{os.Args[0], "cache", "-dir", l.dir, "-warm", l.warm}
	if len(l.lower) > 0 {
		argv = append(argv, "-from", strings.Join(l.lower, string(filepath.ListSeparator)))
	}
	return strings.Join(argv, " ")
}

// mark is the file that says that a build of the name is in warm. It is named like an entry, so that it
// is swept like one.
func (l listing) mark() string {
	sum := sha256.Sum256([]byte("lent\x00" + l.name))
	return outputFile(l.warm, sum[:])
}

func (l listing) known() bool {
	if l.warm == "" {
		return false
	}
	_, err := os.Stat(l.mark())
	used(l.mark())
	return err == nil
}

// lend gives what was compiled to later builds. Where that fails, they compile again, and where
// nothing was, they have nothing from us.
func (l listing) lend() {
	if n, err := lend(l.dir, l.warm); err == nil && n > 0 {
		_ = write(l.mark(), nil, time.Now())
	}
}

// list runs `go list …` with our fields, which stand right after "list", and more variables.
func list(argv []string, env ...string) ([]listed, error) {
	at := 0
	for at < len(argv) && argv[at] != "list" {
		at++
	}
	if at == len(argv) {
		return nil, fmt.Errorf("%q is not a go list command: write go list -deps ... after --", argv)
	}
	argv = append(append(append([]string{}, argv[:at+1]...), fields), argv[at+1:]...)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stderr, cmd.Env = os.Stderr, append(os.Environ(), env...)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var packages []listed
	var broken error
	for decoder := json.NewDecoder(pipe); broken == nil; {
		var pkg listed
		if broken = decoder.Decode(&pkg); broken == nil {
			packages = append(packages, pkg)
		}
	}
	_, _ = io.Copy(io.Discard, pipe)
	if err := cmd.Wait(); err != nil {
		return nil, err
	}
	if !errors.Is(broken, io.EOF) {
		return nil, fmt.Errorf("reading what go list prints: %w", broken)
	}
	return packages, nil
}
