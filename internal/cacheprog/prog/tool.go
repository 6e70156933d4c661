package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// binariesVariable holds, as JSON, what tool links in the place of each main package, by import path.
// Who sets it has the same name and type (package cacheprog, whose test uses both).
const binariesVariable = "PLIMSOLL_BINARIES"

// wanted is a binary of a main package: a directory for it, and its flags. Of a flag whose value is
// not known yet Later has the value's length, and Flags what is before it.
type wanted struct {
	Dir   string
	Flags []string
	Later []int
}

// tool stands before each tool that a go build runs (-toolexec). The linker runs with other flags
// than the go command knows, once for each binary that is wanted of the main package; later is
// what the go build has as its -ldflags.
func tool(later string, argv []string) error {
	if filepath.Base(argv[0]) != "link" || after(argv, "-V=") == "full" {
		return fmt.Errorf("running %s: %w", argv[0], syscall.Exec(argv[0], argv, os.Environ()))
	}
	var binaries map[string][]wanted
	if err := json.Unmarshal([]byte(os.Getenv(binariesVariable)), &binaries); err != nil {
		return fmt.Errorf("reading what is linked: %w", err)
	}
	l, err := linkingOf(os.Getenv("TOOLEXEC_IMPORTPATH"), later, argv)
	if err != nil {
		return err
	}
	if len(binaries[l.name]) == 0 {
		return fmt.Errorf("linking %s, which nothing wants: this is wanted: %s", l.name, os.Getenv(binariesVariable))
	}
	for _, w := range binaries[l.name] {
		if err := l.link(w); err != nil {
			return fmt.Errorf("linking %s: %w", l.name, err)
		}
	}
	return os.WriteFile(valueOf(argv, "-o"), nil, 0o755) //nolint:gosec // a binary, in which the go command looks for its build ID
}

// linkingOf is how the go command names a link, which has to be the known way.
func linkingOf(name, later string, argv []string) (linking, error) {
	l := linking{name: name, argv: argv, Later: later, Given: after(argv, "-buildid=")}
	asked := exec.Command(argv[0], "-V=full")
	asked.Stderr = os.Stderr
	version, err := asked.Output()
	if err != nil {
		return l, fmt.Errorf("asking the linker for its version: %w", err)
	}
	packages, err := l.packages()
	if err != nil {
		return l, err
	}
	if l.Hashed, err = l.hashed(strings.TrimSpace(string(version)), packages); err != nil {
		return l, err
	}
	id, err := l.buildID([]string{later})
	if err != nil {
		return l, err
	}
	if id != l.Given {
		return l, l.unknown("names its links", l.Given, id)
	}
	return l, nil
}

// unknown is the error of a release of Go that is not like those that are known.
func (l linking) unknown(does, got, want string) error {
	return fmt.Errorf("this release of Go %s in another way than is known, %s and not %s: with a toolchain image that is not the official one, the go command links itself", does, got, want)
}

// packages are the lines of the sum that names a link for what is linked.
func (l linking) packages() (lines []string, err error) {
	config, err := os.ReadFile(valueOf(l.argv, "-importcfg"))
	if err != nil {
		return nil, err
	}
	for _, line := range strings.Split(string(config), "\n") {
		name, file, ok := strings.Cut(strings.TrimPrefix(line, "packagefile "), "=")
		if !strings.HasPrefix(line, "packagefile ") || !ok {
			continue
		}
		id, err := archiveID(file)
		if err != nil {
			return nil, fmt.Errorf("reading the build ID of package %s: %w", name, err)
		}
		lines = append(lines, fmt.Sprintf("packagefile %s=%s\n", name, id[strings.LastIndex(id, "/")+1:]))
		if name == l.name {
			lines = append(lines, fmt.Sprintf("packagemain %s\n", id))
		}
	}
	return lines, nil
}

// hashed is what the go command writes into the sum that names a link with -trimpath and
// without cgo, piece by piece (linkActionID in cmd/go/internal/work/exec.go).
func (l linking) hashed(version string, packages []string) ([]string, error) {
	fields := strings.Fields(version)
	if len(fields) != 3 {
		return nil, fmt.Errorf("the linker's version %q is not one of a release", version)
	}
	arch := os.Getenv("GOARCH")
	level := levels[arch]
	texts := []string{
		fields[2], // the go command's, which begins all its sums
		"link\n",
		fmt.Sprintf("buildmode default goos %s goarch %s\n", os.Getenv("GOOS"), arch),
		fmt.Sprintf("import %q\n", l.name),
		"omitdebug false standard false local false prefix \"\"\n",
		fmt.Sprintf("defaultgodebug %q\n", after(l.argv, "-X=runtime.godebugDefault=")),
		"trimpath\n",
		fmt.Sprintf("link %s [] exe\n", version),
		hashedFlags([]string{l.Later}),
		fmt.Sprintf("%s=%s\n", level, os.Getenv(level)),
		"GOROOT=\n",
		"GO_EXTLINK_ENABLED=\n",
	}
	return append(texts, packages...), nil
}

// levels are the variables with the level of an architecture (GetArchEnv in
// cmd/go/internal/cfg/cfg.go).
var levels = map[string]string{
	"386": "GO386", "amd64": "GOAMD64", "arm": "GOARM", "arm64": "GOARM64", "mips": "GOMIPS", "mipsle": "GOMIPS",
	"mips64": "GOMIPS64", "mips64le": "GOMIPS64", "ppc64": "GOPPC64", "ppc64le": "GOPPC64", "riscv64": "GORISCV64",
}

// archiveID is the build ID in the head of a compiled package (cmd/internal/buildid, ReadFile).
func archiveID(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := make([]byte, 1<<10)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", err
	}
	_, id, _ := bytes.Cut(head[:n], []byte("\nbuild id \""))
	id, _, ok := bytes.Cut(id, []byte("\"\n"))
	if !ok {
		return "", errors.New("it has none")
	}
	return string(id), nil
}
