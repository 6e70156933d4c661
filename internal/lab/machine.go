package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/corpus"
	"github.com/plimsoll-build/plimsoll/internal/lab/trial"
)

// processors is how many the machine has: more than the quotas that are tried.
const processors = 8

// memoryMiB is the machine's; the initramfs is in it, too.
const memoryMiB = 1024

// machine is a virtual machine without a disk or a network, in software emulation.
type machine struct {
	qemu    string // root of the unpacked packages
	crun    string // the same of crun, for the guest
	kernel  string
	version string // of the kernel's package
}

// fetch returns the machine; what it needs comes from Debian and is kept.
func fetch(ctx context.Context, cache corpus.Cache) (machine, error) {
	qemu, err := cache.DebianTree(ctx, "qemu", "qemu-system-x86")
	if err != nil {
		return machine{}, err
	}
	crun, err := cache.DebianTree(ctx, "crun", "crun")
	if err != nil {
		return machine{}, err
	}
	kernel, err := cache.DebianKernel(ctx, "linux-image-cloud-amd64")
	if err != nil {
		return machine{}, err
	}
	images, err := filepath.Glob(filepath.Join(kernel, "boot", "vmlinuz-*"))
	if err != nil || len(images) != 1 {
		return machine{}, fmt.Errorf("finding the kernel in %s: %d files, %w", kernel, len(images), err)
	}
	version, err := corpus.DebianVersion(kernel)
	return machine{qemu, crun, images[0], version}, err
}

// command is qemu under its packages' own loader, so that this machine's libraries do not
// matter.
func (m machine) command(ctx context.Context, initramfs, results string) *exec.Cmd {
	lib, shared := filepath.Join(m.qemu, "lib/x86_64-linux-gnu"), filepath.Join(m.qemu, "usr/lib/x86_64-linux-gnu")
	cmd := exec.CommandContext(ctx, filepath.Join(lib, "ld-linux-x86-64.so.2"), "--library-path", lib+":"+shared,
		filepath.Join(m.qemu, "usr/bin/qemu-system-x86_64"),
		"-L", filepath.Join(m.qemu, "usr/share/qemu"), "-L", filepath.Join(m.qemu, "usr/share/seabios"),
		"-M", "pc", "-cpu", "max", "-accel", "tcg,thread=multi", "-smp", strconv.Itoa(processors), "-m", strconv.Itoa(memoryMiB),
		"-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio", "-serial", "file:"+results,
		"-kernel", m.kernel, "-initrd", initramfs, "-append", "console=ttyS0 quiet panic=-1")
	cmd.Env = append(os.Environ(), "QEMU_MODULE_DIR="+filepath.Join(shared, "qemu"))
	return cmd
}

// run boots the machine and returns the results by trial and the guest's own line.
func (m machine) run(ctx context.Context, dir, initramfs string) (map[string]trial.Result, trial.Result, error) {
	file := filepath.Join(dir, "results")
	var console bytes.Buffer
	cmd := m.command(ctx, initramfs, file)
	cmd.Stdout, cmd.Stderr = &console, &console
	runErr := cmd.Run()
	data, err := os.ReadFile(file)
	if runErr != nil || err != nil {
		return nil, trial.Result{}, fmt.Errorf("running the machine: %w\n%s", errors.Join(runErr, err), &console)
	}
	results, last, err := parse(data)
	if err != nil {
		return nil, trial.Result{}, fmt.Errorf("%w\n%s", err, &console)
	}
	return results, last, nil
}

// parse reads the lines that a guest wrote. A guest that did not come to its end is an
// error: without its last line nothing is known.
func parse(data []byte) (map[string]trial.Result, trial.Result, error) {
	results := map[string]trial.Result{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r trial.Result
		if err := json.Unmarshal([]byte(strings.TrimSpace(lines.Text())), &r); err != nil {
			return nil, r, fmt.Errorf("reading the machine's results: %w: %q", err, lines.Text())
		}
		if r.Kernel != "" {
			return results, r, nil
		}
		results[r.Name] = r
	}
	return nil, trial.Result{}, fmt.Errorf("the machine ended after %d results, before its last line", len(results))
}
