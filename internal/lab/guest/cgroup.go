//go:build linux

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/lab/trial"
)

// delegated are the controllers that every group gets.
const delegated = "+cpu +memory +pids"

// enableControllers delegates the controllers below the root group and returns those that
// the kernel has.
func enableControllers() (string, error) {
	have, err := os.ReadFile(filepath.Join(cgroupDir, "cgroup.controllers"))
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(have)), set(cgroupDir, "cgroup.subtree_control", delegated)
}

// makeGroups makes the groups, one within the other, and returns the innermost one's
// directory and a function that removes them all.
func makeGroups(groups []trial.Group) (dir string, remove func(), err error) {
	var made []string
	remove = func() {
		for _, d := range slices.Backward(made) {
			_ = os.Remove(d)
		}
	}
	dir = cgroupDir
	for i, g := range groups {
		if i > 0 {
			if err := set(dir, "cgroup.subtree_control", delegated); err != nil {
				return "", remove, err
			}
		}
		dir = filepath.Join(dir, g.Name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			return "", remove, err
		}
		made = append(made, dir)
		if err := setAll(dir, g.Limits); err != nil {
			return "", remove, err
		}
	}
	return dir, remove, nil
}

func setAll(dir string, limits map[string]string) error {
	for _, file := range slices.Sorted(maps.Keys(limits)) {
		if err := set(dir, file, limits[file]); err != nil {
			return err
		}
	}
	return nil
}

func set(dir, file, value string) error {
	if err := os.WriteFile(filepath.Join(dir, file), []byte(value), 0o644); err != nil {
		return fmt.Errorf("writing %q: %w", value, err)
	}
	return nil
}

// events reads memory.events of a group.
func events(dir string) (map[string]int64, error) {
	data, err := os.ReadFile(filepath.Join(dir, "memory.events"))
	if err != nil {
		return nil, err
	}
	counts := map[string]int64{}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		name, count, _ := strings.Cut(lines.Text(), " ")
		if counts[name], err = strconv.ParseInt(count, 10, 64); err != nil {
			return nil, err
		}
	}
	return counts, nil
}
