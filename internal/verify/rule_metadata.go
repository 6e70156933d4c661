package verify

import (
	"debug/elf"
	"fmt"
	"go/version"
	"strings"
)

// judgeMetadata holds what a binary says of itself against what it is. Build info
// is changed by an edit of two bytes, and everybody believes it.
func judgeMetadata(in *inspection) outcome {
	var t tally
	for _, p := range in.binaries(&t) {
		if p.bin.Build == nil {
			t.unknown("%s: %v", p.path, p.bin.BuildErr)
			continue
		}
		judgeCopies(&t, p)
		judgeClaims(&t, p)
	}
	return t.outcome("the bytes say what the build info says")
}

// judgeCopies compares section and program. A program that carries another one as
// data has copies of that one's, too: they do not count while both of its own agree.
func judgeCopies(t *tally, p program) {
	switch {
	case p.bin.FromCopy && len(p.bin.Others) > 0:
		t.fail(p.path, fmt.Sprintf("no section, and %d copies that differ", 1+len(p.bin.Others)), "one build info")
	case p.bin.FromCopy:
		t.warn(p.path, "no section .go.buildinfo; read from the program's own copy", "both")
	case p.bin.Copies < 2 && len(p.bin.Others) > 0:
		t.fail(p.path, "the section's build info", "that of the program's own copy: "+differing(p))
	case p.bin.Copies < 2 && version.Compare(goVersionOf(p), "go1.18") >= 0:
		t.warn(p.path, "the section's build info alone", "the program's own copy, too, as since Go 1.18")
	}
}

// differing are the settings of the first other copy that the section says otherwise.
func differing(p program) string {
	var diffs []string
	other := p.bin.Others[0]
	if other.Path != p.bin.Build.Path {
		diffs = append(diffs, "path "+other.Path)
	}
	for _, s := range other.Settings {
		if value, ok := p.bin.Setting(s.Key); !ok || value != s.Value {
			diffs = append(diffs, s.Key+"="+s.Value+", not "+value)
		}
	}
	if len(diffs) == 0 {
		return "its modules differ"
	}
	return strings.Join(diffs, "; ")
}

// judgeClaims looks for code and headers that the settings rule out. The last two are
// warnings: distributions link with flags of which build info knows nothing.
func judgeClaims(t *tally, p program) {
	claims := []struct {
		key, value string
		code       feature
	}{{"CGO_ENABLED", "0", cgo}, {"-race", "", race}, {"-asan", "", asan}, {"-msan", "", msan}, {"-cover", "", coverage}, {"GOFIPS140", "", fipsModule}}
	for _, c := range claims {
		if value, _ := p.bin.Setting(c.key); value == c.value && p.linked.has(c.code) {
			m := p.linked.found[c.code]
			t.fail(p.path, fmt.Sprintf("%s=%s, and %d functions such as %s", c.key, value, m.Total, m.Names[0]), "a claim that the code bears out")
		}
	}
	if value, _ := p.bin.Setting("-trimpath"); value == "true" && p.linked.hostFiles.Total > 0 {
		t.warn(p.path, "-trimpath=true, and source files such as "+p.linked.hostFiles.Names[0], "import paths alone")
	}
	mode, _ := p.bin.Setting("-buildmode")
	if (mode == "pie" && p.bin.Type != elf.ET_DYN) || (mode == "exe" && p.bin.Type != elf.ET_EXEC) {
		t.warn(p.path, fmt.Sprintf("-buildmode=%s, and an ELF file of type %s", mode, p.bin.Type), "the type of that mode")
	}
}
