package verify

import (
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
)

// judgeSBOM holds the attested SPDX documents against the modules that the programs say they
// were built from. What a document names besides may belong to other files of the image.
func judgeSBOM(in *inspection) outcome {
	if in.sbomErr != nil {
		return outcome{verdict: Unknown, reason: in.sbomErr.Error()}
	}
	if len(in.sboms) == 0 {
		return skip("no SBOM is attested to this image")
	}
	if err := in.broken(); err != nil {
		return outcome{verdict: Unknown, reason: err.Error()}
	}
	named, modules := map[string]bool{}, map[string]bool{}
	for _, d := range in.sboms {
		maps.Copy(named, d.names())
		maps.Copy(modules, d.goModules())
	}
	var t tally
	built, mains := map[string]bool{}, in.mainModules()
	for _, p := range in.binaries(&t) {
		if p.bin.Build == nil {
			t.unknown("%s: no modules in the build info", p.path)
			continue
		}
		for _, module := range modulesOf(p.bin.Build) {
			built[module] = true
			if !named[module] {
				t.fail(p.path, "built from "+module, "named by the SBOM")
			}
		}
	}
	for _, module := range slices.Sorted(maps.Keys(modules)) {
		path, _, _ := strings.Cut(module, "@")
		if !built[module] && !mains[path] && len(t.unknowns) == 0 {
			t.warn("SBOM", module, "a module of "+in.programNames())
		}
	}
	return t.outcome(fmt.Sprintf("it names the %s", counted(len(built), "module")))
}

// modulesOf are the modules that a program was built from, without its own, as path@version:
// where one is replaced, what replaces it.
func modulesOf(info *debug.BuildInfo) []string {
	var all []string
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		if m.Version != "" { // a directory has none
			all = append(all, m.Path+"@"+m.Version)
		}
	}
	return all
}

// mainModules are the paths of the programs' own modules, whose version scanners make up.
func (in *inspection) mainModules() map[string]bool {
	paths := map[string]bool{}
	for _, p := range in.programs {
		if p.bin != nil && p.bin.Build != nil {
			paths[p.bin.Build.Main.Path] = true
		}
	}
	return paths
}

func (in *inspection) programNames() string {
	var names []string
	for _, p := range in.programs {
		names = append(names, p.path)
	}
	return strings.Join(names, ", ")
}

func counted(n int, what string) string {
	if n == 1 {
		return "one " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// readSBOMs reads the attested documents. What is wrong with them is a finding, not the end.
func (in *inspection) readSBOMs(ctx context.Context) {
	for _, a := range in.subject.attestations {
		docs, err := a.documents(ctx)
		if err != nil {
			in.sbomErr = err
			return
		}
		in.sboms = append(in.sboms, docs...)
	}
}
