package verify

import (
	"fmt"
	"strings"
)

// binaries are the programs whose bytes could be read; the others are unknown.
func (in *inspection) binaries(t *tally) []program {
	var read []program
	for _, p := range in.programs {
		if p.bin == nil {
			t.unknown("%s: %v", p.path, p.err)
			continue
		}
		if p.bin.Packed {
			t.unknown("%s is packed with UPX: what runs is not what lies in the file", p.path)
			continue
		}
		read = append(read, p)
	}
	if len(in.programs) == 0 {
		t.unknown("no binary: neither labels nor entrypoint lead to one")
	}
	return read
}

func judgeStatic(in *inspection) outcome {
	var t tally
	for _, p := range in.binaries(&t) {
		if p.bin.HasInterp {
			t.fail(p.path, "PT_INTERP "+p.bin.Interp, "no loader")
		}
		if len(p.bin.Needed) > 0 {
			t.fail(p.path, "DT_NEEDED "+strings.Join(p.bin.Needed, ", "), "no library")
		}
	}
	return t.outcome("no PT_INTERP, no DT_NEEDED")
}

// judgeCgo lets the function table decide; build info alone can be forged, and
// CGO_ENABLED=1 without a cgo function is a binary like any other.
func judgeCgo(in *inspection) outcome {
	var t tally
	for _, p := range in.binaries(&t) {
		switch {
		case p.linked.err != nil:
			t.unknown("%s: %v", p.path, p.linked.err)
		case p.linked.has(cgo):
			t.fail(p.path, fmt.Sprintf("%d cgo functions, such as %s", p.linked.found[cgo].Total, strings.Join(p.linked.found[cgo].Names, ", ")), "none")
		}
		switch value, ok := p.bin.Setting("CGO_ENABLED"); {
		case p.bin.Build == nil:
			t.unknown("%s: %v", p.path, p.bin.BuildErr)
		case !ok:
			t.unknown("%s: the build info has no CGO_ENABLED", p.path)
		case value != "0":
			t.warn(p.path, "CGO_ENABLED="+value, "CGO_ENABLED=0")
		}
	}
	return t.outcome("CGO_ENABLED=0, no cgo function")
}
