// Scanner is the test bed's SBOM generator: it follows BuildKit's scanner protocol
// (docs/attestations/sbom-protocol.md) and writes one SPDX statement for each root
// file system, with the modules that its Go binaries say they were built from.
package main

import (
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Getenv); err != nil {
		fmt.Fprintln(os.Stderr, "scanner:", err)
		os.Exit(1)
	}
}

func run(env func(string) string) error {
	source, destination := env("BUILDKIT_SCAN_SOURCE"), env("BUILDKIT_SCAN_DESTINATION")
	if source == "" || destination == "" {
		return errors.New("BUILDKIT_SCAN_SOURCE and BUILDKIT_SCAN_DESTINATION have to be set")
	}
	targets := []string{source}
	if extras := env("BUILDKIT_SCAN_SOURCE_EXTRAS"); extras != "" {
		entries, err := os.ReadDir(extras)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, entry := range entries {
			targets = append(targets, filepath.Join(extras, entry.Name()))
		}
	}
	for _, target := range targets {
		if err := scan(target, destination); err != nil {
			return fmt.Errorf("scanning %s: %w", target, err)
		}
	}
	return nil
}

type statement struct {
	Type          string   `json:"_type"`
	PredicateType string   `json:"predicateType"`
	Subject       []string `json:"subject"`
	Predicate     document `json:"predicate"`
}

type document struct {
	Version      string       `json:"spdxVersion"`
	License      string       `json:"dataLicense"`
	ID           string       `json:"SPDXID"`
	Name         string       `json:"name"`
	Namespace    string       `json:"documentNamespace"`
	CreationInfo creationInfo `json:"creationInfo"`
	Packages     []spdx       `json:"packages"`
}

type creationInfo struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type spdx struct {
	ID       string `json:"SPDXID"`
	Name     string `json:"name"`
	Version  string `json:"versionInfo,omitempty"`
	Download string `json:"downloadLocation"`
}

func scan(target, destination string) error {
	name := filepath.Base(target)
	packages, err := modules(target)
	if err != nil {
		return err
	}
	out, err := json.Marshal(statement{
		Type: "https://in-toto.io/Statement/v0.1", PredicateType: "https://spdx.dev/Document",
		Subject: []string{},
		Predicate: document{
			Version: "SPDX-2.3", License: "CC0-1.0", ID: "SPDXRef-DOCUMENT", Name: name,
			Namespace:    "https://plimsoll.build/testbed/" + name,
			CreationInfo: creationInfo{Created: "2025-01-01T00:00:00Z", Creators: []string{"Tool: testbed-scanner"}},
			Packages:     packages,
		},
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(destination, name+".spdx.json"), out, 0o644)
}

// modules are those of all Go binaries under root, each once, sorted.
func modules(root string) ([]spdx, error) {
	found := map[string]spdx{}
	add := func(m *debug.Module) {
		if m.Path != "" {
			found[m.Path+"@"+m.Version] = spdx{Name: m.Path, Version: m.Version, Download: "NOASSERTION"}
		}
	}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := buildinfo.ReadFile(path)
		if err != nil {
			return nil //nolint:nilerr // not a Go binary
		}
		add(&info.Main)
		for _, dep := range info.Deps {
			add(dep)
		}
		return nil
	})
	packages := make([]spdx, 0, len(found))
	for _, p := range found {
		packages = append(packages, p)
	}
	slices.SortFunc(packages, func(a, b spdx) int { return strings.Compare(a.Name+a.Version, b.Name+b.Version) })
	for i := range packages {
		packages[i].ID = fmt.Sprintf("SPDXRef-Package-%d", i+1)
	}
	return packages, err
}
