package main

import (
	"bytes"
	"crypto/sha256"
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

// tool stands before each tool that a go build runs (-toolexec). The linker does not run: how
// it would, is written down for link. later is what the go build has as its -ldflags.
func tool(dir, later string, argv []string) error {
	if filepath.Base(argv[0]) != "link" || after(argv, "-V=") == "full" {
		return fmt.Errorf("running %s: %w", argv[0], syscall.Exec(argv[0], argv, os.Environ()))
	}
	config, err := os.ReadFile(valueOf(argv, "-importcfg"))
	if err != nil {
		return err
	}
	l := linking{Name: os.Getenv("TOOLEXEC_IMPORTPATH"), Later: later, Argv: append([]string{}, argv...)}
	for _, kv := range os.Environ() {
		switch key, _, _ := strings.Cut(kv, "="); key {
		case "GOCACHEPROG", "TOOLEXEC_IMPORTPATH", "PWD":
		default:
			l.Env = append(l.Env, kv)
		}
	}
	asked := exec.Command(argv[0], "-V=full")
	asked.Stderr = os.Stderr
	version, err := asked.Output()
	if err != nil {
		return fmt.Errorf("asking the linker for its version: %w", err)
	}
	packages, err := l.archives(dir, string(config))
	if err != nil {
		return err
	}
	if l.Hashed, err = l.hashed(strings.TrimSpace(string(version)), packages); err != nil {
		return err
	}
	id, err := l.buildID([]string{later})
	if err != nil {
		return err
	}
	if id != l.given() {
		return fmt.Errorf("this release of Go names its links in another way than is known, %s and not %s: with a toolchain image that is not the official one, the go command links itself", l.given(), id)
	}
	data, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if err := write(linkingFile(dir, l.Name), data, fixedTime); err != nil {
		return err
	}
	return os.WriteFile(valueOf(argv, "-o"), nil, 0o755) //nolint:gosec // a binary, in which the go command looks for its build ID
}

// archives reads what is linked, and puts the build cache's files in the place of those that the
// go command has in its working directory, which are the same.
func (l *linking) archives(dir, config string) (packages []string, err error) {
	work := filepath.Dir(filepath.Dir(valueOf(l.Argv, "-importcfg"))) + string(filepath.Separator)
	main := len(l.Argv) - 1
	for _, line := range strings.SplitAfter(config, "\n") {
		name, file, ok := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(line, "packagefile "), "\n"), "=")
		if !strings.HasPrefix(line, "packagefile ") || !ok {
			l.Config += line
			continue
		}
		kept := file
		if strings.HasPrefix(file, work) {
			if kept, err = keptOutput(dir, file); err != nil {
				return nil, fmt.Errorf("finding package %s in the build cache: %w", name, err)
			}
		}
		if l.Argv[main] == file {
			l.Argv[main] = kept
		}
		id, err := archiveID(kept)
		if err != nil {
			return nil, fmt.Errorf("reading the build ID of package %s: %w", name, err)
		}
		l.Config += "packagefile " + name + "=" + kept + "\n"
		packages = append(packages, fmt.Sprintf("packagefile %s=%s\n", name, id[strings.LastIndex(id, "/")+1:]))
		if name == l.Name {
			packages = append(packages, fmt.Sprintf("packagemain %s\n", id))
		}
	}
	return packages, nil
}

// hashed is what the go command writes into the sum that names a link with -trimpath and
// without cgo, piece by piece (linkActionID in cmd/go/internal/work/exec.go).
func (l *linking) hashed(version string, packages []string) ([]string, error) {
	fields := strings.Fields(version)
	if len(fields) != 3 {
		return nil, fmt.Errorf("the linker's version %q is not one of a release", version)
	}
	arch := l.env("GOARCH")
	level := levels[arch]
	texts := []string{
		fields[2], // the go command's, which begins all its sums
		"link\n",
		fmt.Sprintf("buildmode default goos %s goarch %s\n", l.env("GOOS"), arch),
		fmt.Sprintf("import %q\n", l.Name),
		"omitdebug false standard false local false prefix \"\"\n",
		fmt.Sprintf("defaultgodebug %q\n", after(l.Argv, "-X=runtime.godebugDefault=")),
		"trimpath\n",
		fmt.Sprintf("link %s [] exe\n", version),
		hashedFlags([]string{l.Later}),
		fmt.Sprintf("%s=%s\n", level, l.env(level)),
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

func (l *linking) env(name string) string {
	if name == "" {
		return ""
	}
	return after(l.Env, name+"=")
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

// keptOutput is a file's place in the cache, where an output is named by its sum.
func keptOutput(dir, file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	kept := outputFile(dir, sum[:])
	if info, err := os.Stat(kept); err != nil {
		return "", err
	} else if info.Size() != int64(len(data)) {
		return "", fmt.Errorf("%s has another size", kept)
	}
	return kept, nil
}
