package verify

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/gobin"
	"github.com/plimsoll-build/plimsoll/internal/hook"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

// maxMarkers bounds the texts that are kept of one binary.
const maxMarkers = 8

// findMarkers are the texts of a file that begin as a hook's marker does.
func findMarkers(r io.ReaderAt, size int64) []string {
	const window = 1 << 20
	var found []string
	buf := make([]byte, window+hook.MarkerMax)
	for at := int64(0); at < size; at += window {
		n, _ := r.ReadAt(buf[:min(int64(len(buf)), size-at)], at)
		for from := 0; len(found) < maxMarkers; {
			i := bytes.Index(buf[from:n], []byte(hook.MarkerStart))
			if i < 0 || from+i >= window {
				break
			}
			from += i
			found = append(found, string(buf[from:min(n, from+hook.MarkerMax)]))
			from++
		}
	}
	return found
}

// judgeHook proves the hook from each binary's code and data: what a label says of it, what
// its marker says, and what this program would have generated, have to agree.
func judgeHook(in *inspection) outcome {
	var t tally
	label, labelled := in.label(tuning.LabelHook)
	limit, _ := in.label(tuning.LabelMemLimit)
	_, auto, err := parseMemLimitLabel(limit)
	if err != nil {
		t.unknown("label %s: %v", tuning.LabelMemLimit, err)
		return t.outcome("")
	}
	if labelled != auto {
		t.fail("label "+tuning.LabelHook, orNone(label), "one if label "+tuning.LabelMemLimit+" is auto, and none else; it is "+limit)
	}
	hooked := 0
	for _, p := range in.binaries(&t) {
		switch {
		case p.linked.err != nil:
			t.unknown("%s: %v", p.path, p.linked.err)
		case labelled || auto:
			hooked++
			judgeHookOf(&t, p, label, limit)
			in.judgeHookLines(&t, p)
		case p.linked.has(startHook):
			t.fail(p.path, "function "+hook.Function, "none: no label names a start-up hook")
		}
	}
	o := t.outcome("hook " + label)
	if hooked == 0 && o.verdict == Pass {
		return skip("no start-up hook is labelled, and there is none")
	}
	return o
}

// judgeHookLines looks for the GODEBUG settings that are not in the environment, but in the
// program itself: what the go command noted of its //go:debug lines.
func (in *inspection) judgeHookLines(t *tally, p program) {
	label, _ := in.label(tuning.LabelGODEBUG)
	lines, _ := tuning.SplitGODEBUG(label)
	if lines == "" {
		return
	}
	if p.bin.Build == nil {
		t.unknown("%s: %v", p.path, p.bin.BuildErr)
		return
	}
	defaults, _ := p.bin.Setting("DefaultGODEBUG")
	for setting := range strings.SplitSeq(lines, ",") {
		key, want, _ := strings.Cut(setting, "=")
		if got, ok := godebugValue(defaults, key); !ok || got != want {
			t.fail(p.path, "DefaultGODEBUG \""+got+"\" for "+key, setting+" of label "+tuning.LabelGODEBUG)
		}
	}
}

// judgeHookOf looks for the four marks in one binary: function, source file, parameters, call.
func judgeHookOf(t *tally, p program, label, limit string) {
	if !p.linked.has(startHook) {
		t.fail(p.path, "no function "+hook.Function, "the start-up hook, without which nothing sets a memory limit")
		return
	}
	if version, _, _ := strings.Cut(label, " "); label != "" && version != hook.Version {
		t.unknown("the start-up hook is %s, and this program knows %s", version, hook.Version)
		return
	}
	var o hook.Options
	var err error
	for _, marker := range p.markers {
		if o, err = hook.ParseMarker(marker); err == nil {
			break
		}
	}
	switch {
	case len(p.markers) == 0:
		t.fail(p.path, "no text "+hook.MarkerStart, "the parameters of the start-up hook")
	case err != nil:
		t.fail(p.path, fmt.Sprintf("parameters of the start-up hook that cannot be: %v", err), "those of "+label)
	case tuning.FormatAuto(o.Percent) != limit:
		t.fail(p.path, tuning.FormatAuto(o.Percent)+" in the start-up hook", limit+" of label "+tuning.LabelMemLimit)
	case label != "" && hook.Label(hook.File(o)) != label:
		t.fail("label "+tuning.LabelHook, label, hook.Label(hook.File(o))+", the file with the parameters in the binary")
	}
	if !p.linked.hookFile {
		t.fail(p.path, "no source file "+hook.FileName+" in the function table", "the one that plimsoll adds: the function is from elsewhere")
	}
	calls := p.linked.calls
	calling := func(c gobin.Call) bool { return c.Caller == hook.Function }
	switch {
	case calls.err != nil:
		t.unknown("%s: %v", p.path, calls.err)
	case !calls.unread && !slices.ContainsFunc(calls.limit, calling):
		t.fail(p.path, "no call of runtime/debug.SetMemoryLimit in "+hook.Function, "one: else it sets nothing")
	}
}
