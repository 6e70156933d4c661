package verify

import (
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
)

// judgeSBOM holds the attested SPDX documents against the image that they are attached to,
// and against the modules that its programs say they were built from. What a document names
// besides may belong to other files of the image.
func judgeSBOM(in *inspection) outcome {
	if in.sbomErr != nil {
		return outcome{verdict: Unknown, reason: in.sbomErr.Error()}
	}
	if in.sbom.documents == 0 {
		return skip("no SBOM is attested to this image")
	}
	if err := in.broken(); err != nil {
		return outcome{verdict: Unknown, reason: err.Error()}
	}
	var t tally
	for _, digest := range in.sbom.strangers {
		t.fail("SBOM", "a statement about "+digest, in.subject.Digest.Hex+", the image that it is attached to")
	}
	built := in.judgeModules(&t)
	mains := in.mainModules()
	for _, module := range slices.Sorted(maps.Keys(in.sbom.modules)) {
		path, _, _ := strings.Cut(module, "@")
		if !built[module] && !mains[path] && len(t.unknowns) == 0 {
			t.warn("SBOM", module, "a module of "+in.programNames())
		}
	}
	return t.outcome(fmt.Sprintf("it names the %s", counted(len(built), "module")))
}

// judgeModules demands that each module of the programs is named, and reports them all.
func (in *inspection) judgeModules(t *tally) map[string]bool {
	built := map[string]bool{}
	for _, p := range in.binaries(t) {
		if p.bin.Build == nil {
			t.unknown("%s: no modules in the build info", p.path)
			continue
		}
		for _, module := range modulesOf(p.bin.Build) {
			built[module] = true
			if !in.sbom.named[module] {
				t.fail(p.path, "built from "+module, "named by the SBOM")
			}
		}
	}
	return built
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
