package main

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// linking is all that the go command knows of a run of the linker, but for the flags of
// -ldflags. It is made once all packages are compiled; a linker and their archives are then
// enough to link as go build would, with any flags and any number of times.
type linking struct {
	Name   string   // import path of the main package
	Later  string   // the argument that stands for the flags
	Argv   []string // the linker and its arguments; Later is one
	Env    []string
	Config string   // what the linker's -importcfg file holds
	Hashed []string // what go wrote into the sum that names the run; the flags are one piece
}

// linkingFile is the file of a main package, by its import path.
func linkingFile(dir, name string) string {
	sum := sha256.Sum256([]byte(name))
	return filepath.Join(dir, "links", hex.EncodeToString(sum[:]))
}

// link links a main package's binary as go build would with these flags.
func link(dir, name, out string, flags []string) error {
	data, err := os.ReadFile(linkingFile(dir, name))
	if err != nil {
		return fmt.Errorf("reading how %s is linked: %w", name, err)
	}
	var l linking
	if err := json.Unmarshal(data, &l); err != nil {
		return fmt.Errorf("reading how %s is linked: %w", name, err)
	}
	id, err := l.buildID(flags)
	if err != nil {
		return fmt.Errorf("naming the link of %s: %w", name, err)
	}
	temp, err := os.MkdirTemp("", "link-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	argv, err := l.argv(temp, out, id, flags)
	if err != nil {
		return err
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = l.Env
	said, err := cmd.CombinedOutput()
	if len(said) > 0 {
		fmt.Fprintf(os.Stderr, "# %s\n%s", name, said) // as the go command does
	}
	if err != nil {
		return err
	}
	return sign(out, id)
}

// argv is the linker's command line with all that was left open.
func (l linking) argv(temp, out, id string, flags []string) ([]string, error) {
	config := filepath.Join(temp, "importcfg.link")
	if err := os.WriteFile(config, []byte(l.Config), 0o600); err != nil {
		return nil, err
	}
	var argv []string
	for i, arg := range l.Argv {
		switch {
		case i > 0 && l.Argv[i-1] == "-o":
			argv = append(argv, out)
		case i > 0 && l.Argv[i-1] == "-importcfg":
			argv = append(argv, config)
		case strings.HasPrefix(arg, "-buildid="):
			argv = append(argv, "-buildid="+id)
		case arg == l.Later:
			argv = append(argv, flags...)
		default:
			argv = append(argv, arg)
		}
	}
	return argv, nil
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
	parts := strings.Split(l.given(), "/")
	if found != 1 || len(parts) != 4 || parts[0] != parts[3] {
		return "", fmt.Errorf("the flags are part of the name %d times, and of %q there are not four parts", found, l.given())
	}
	parts[0] = idOf(sum.Sum(nil))
	parts[3] = parts[0]
	return strings.Join(parts, "/"), nil
}

// given is the build ID that the go command gave.
func (l linking) given() string { return after(l.Argv, "-buildid=") }

// hashedFlags is how the flags come into the sum (printLinkerConfig in
// cmd/go/internal/work/exec.go).
func hashedFlags(flags []string) string { return fmt.Sprintf("linkflags %q\n", flags) }

// idOf is a sum as a part of a build ID (cmd/internal/buildid, HashToString).
func idOf(sum []byte) string { return base64.URLEncoding.EncodeToString(sum[:15]) }

// sign puts the sum of a binary into its build ID, as `go tool buildid -w` does: taken with
// zeros for the ID, and for the host's ID, which depends on it (cmd/internal/buildid, rewrite.go).
func sign(name, id string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	from, to, err := hostID(data)
	if err != nil {
		return fmt.Errorf("looking for the host's build ID: %w", err)
	}
	clear(data[from:to])
	var at []int
	for next := 0; ; {
		i := bytes.Index(data[next:], []byte(id))
		if i < 0 {
			break
		}
		at = append(at, next+i)
		next += i + len(id)
		clear(data[next-len(id) : next])
	}
	if len(at) == 0 {
		return fmt.Errorf("%s does not hold the build ID %s", name, id)
	}
	sum := sha256.Sum256(data)
	signed := id[:strings.LastIndex(id, "/")+1] + idOf(sum[:])
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	for _, i := range at {
		_, werr := f.WriteAt([]byte(signed), int64(i))
		err = errors.Join(err, werr)
	}
	return errors.Join(err, f.Close())
}

// hostID is where an ELF binary has its GNU build ID, behind the head of the note; from is to
// without one.
func hostID(data []byte) (from, to int, err error) {
	file, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return 0, 0, err
	}
	section := file.Section(".note.gnu.build-id")
	if section == nil {
		return 0, 0, nil
	}
	from, to = int(section.Offset)+16, int(section.Offset+section.Size)
	if from > to || to > len(data) {
		return 0, 0, errors.New("it is outside of the file")
	}
	return from, to, nil
}

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
