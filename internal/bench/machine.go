package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/bench/figures"
)

// machine reads what /proc says of this one.
func machine() (figures.Machine, error) {
	m := figures.Machine{CPU: runtime.GOARCH, Cores: runtime.NumCPU()}
	cpus, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return m, fmt.Errorf("describing the machine: %w", err)
	}
	for line := range strings.Lines(string(cpus)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			m.CPU = strings.TrimSpace(value)
		}
	}
	memory, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return m, fmt.Errorf("describing the machine: %w", err)
	}
	if _, err := fmt.Sscanf(string(memory), "MemTotal: %d kB", &m.Memory); err != nil {
		return m, fmt.Errorf("describing the machine: %w", err)
	}
	m.Memory <<= 10
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	m.Kernel = strings.TrimSpace(string(kernel))
	return m, err
}

// removeAll removes a tree whose directories the go command made read-only.
func removeAll(dir string) error {
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(name, 0o755)
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return err
	})
	return errors.Join(err, os.RemoveAll(dir))
}
