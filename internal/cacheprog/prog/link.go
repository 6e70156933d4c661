package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// linking is how the go command names a link. It is made once all packages are compiled, and
// kept beside each binary of it for stamp.
type linking struct {
	name  string   // import path of the main package
	argv  []string // the linker and its arguments; Later is one
	Later string   // the argument that stands for the flags
	Given string   // the build ID that the go command gave
	// Hashed is what the go command wrote into the sum that names the run; the flags are one piece.
	Hashed []string
	// Flags are those that the binary beside it was linked with. One that ends in a placeholder
	// has it in Placeholders too, at the same index; the others have nothing there.
	Flags, Placeholders []string
	places
}

// A binary and its linking, in the directory of both.
func binaryFile(dir string) string  { return filepath.Join(dir, "binary") }
func linkingFile(dir string) string { return filepath.Join(dir, "linking.json") }

// attempts bounds how often a binary is linked: with other placeholders, where one happens to be in
// it anyway.
const attempts = 5

// link links a binary as go build would with these flags and placeholders, but for the binary's sum
// in its build ID.
func (l linking) link(w wanted) (err error) {
	for n := 0; n < attempts; n++ {
		l.place(w, n)
		if err = l.run(w.Dir); !errors.Is(err, errTwice) {
			return err
		}
	}
	return err
}

// place makes the flags, with placeholders for the values that are not known yet.
func (l *linking) place(w wanted, attempt int) {
	l.Flags, l.Placeholders = make([]string, len(w.Flags)), make([]string, len(w.Flags))
	for i, flag := range w.Flags {
		l.Placeholders[i] = placeholder(i, w.Later[i], attempt)
		l.Flags[i] = flag + l.Placeholders[i]
	}
}

// placeholder is a text of size bytes of which no part is likely anywhere else.
func placeholder(i, size, attempt int) string {
	var text string
	for n := 0; len(text) < size; n++ {
		sum := sha256.Sum256([]byte(fmt.Sprint("plimsoll placeholder ", i, attempt, n)))
		text += base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return text[:size]
}

// run runs the linker and writes down what stamp has to know of the binary.
func (l linking) run(dir string) error {
	id, err := l.buildID(l.Flags)
	if err != nil {
		return err
	}
	argv := l.command(binaryFile(dir), id)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return err
	}
	binary, err := os.ReadFile(binaryFile(dir))
	if err != nil {
		return err
	}
	if l.places, err = l.find(binary, id); err != nil {
		return err
	}
	data, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return write(linkingFile(dir), data, fixedTime)
}

// command is the linker's command line with all that was left open.
func (l linking) command(out, id string) []string {
	var argv []string
	for i, arg := range l.argv {
		switch {
		case i > 0 && l.argv[i-1] == "-o":
			argv = append(argv, out)
		case strings.HasPrefix(arg, "-buildid="):
			argv = append(argv, "-buildid="+id)
		case arg == l.Later:
			argv = append(argv, l.Flags...)
		default:
			argv = append(argv, arg)
		}
	}
	return argv
}

// setsHostID reports whether the flags say what the host's build ID is.
func (l linking) setsHostID() bool {
	for _, flag := range l.Flags {
		if name, _, _ := strings.Cut(strings.TrimLeft(flag, "-"), "="); name == "B" && flag != name {
			return true
		}
	}
	return false
}

// buildID is what go passes to the linker: the name of the run, those of the main package, and
// once more its own, where the binary's sum will be (cmd/go/internal/work/buildid.go).
func (l linking) buildID(flags []string) (string, error) {
	sum := sha256.New()
	var found int
	for _, text := range l.Hashed {
		if text == hashedFlags([]string{l.Later}) {
			text = hashedFlags(flags)
			found++
		}
		sum.Write([]byte(text))
	}
	parts := strings.Split(l.Given, "/")
	if found != 1 || len(parts) != 4 || parts[0] != parts[3] {
		return "", fmt.Errorf("the flags are part of the name %d times, and of %q there are not four parts", found, l.Given)
	}
	parts[0] = idOf(sum.Sum(nil))
	parts[3] = parts[0]
	return strings.Join(parts, "/"), nil
}

// hashedFlags is how the flags come into the sum (printLinkerConfig in
// cmd/go/internal/work/exec.go).
func hashedFlags(flags []string) string { return fmt.Sprintf("linkflags %q\n", flags) }

// idOf is a sum as a part of a build ID (cmd/internal/buildid, HashToString).
func idOf(sum []byte) string { return base64.URLEncoding.EncodeToString(sum[:15]) }

// valueOf is the argument after a flag; empty without one.
func valueOf(argv []string, name string) string {
	for i, arg := range argv[:max(0, len(argv)-1)] {
		if arg == name {
			return argv[i+1]
		}
	}
	return ""
}

// after is what follows a prefix in the one that begins with it; empty without one.
func after(list []string, prefix string) string {
	for _, text := range list {
		if strings.HasPrefix(text, prefix) {
			return text[len(prefix):]
		}
	}
	return ""
}
