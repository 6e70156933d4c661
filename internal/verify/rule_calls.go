package verify

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll-build/plimsoll/internal/gobin"
	"github.com/plimsoll-build/plimsoll/internal/hook"
)

// setters are the functions of the runtime that a tuned program should not call with
// a value of its own. The public SetMemoryLimit is mostly inlined.
var (
	procsSetters = []string{"runtime.GOMAXPROCS"}
	limitSetters = []string{"runtime/debug.SetMemoryLimit", "runtime/debug.setMemoryLimit"}
)

// calls are the direct calls of setters that may set something.
type calls struct {
	procs, limit []gobin.Call
	err          error // why nothing is known
	unread       bool  // the machine's instructions are not read here
}

// settersCalled reads the calls of a binary. A machine whose instructions are not
// read is no gap in the evidence of this binary: the docs say which ones are.
func settersCalled(fs *gobin.Functions) calls {
	var found calls
	all, err := fs.Callers(slices.Concat(procsSetters, limitSetters)...)
	if err != nil && !errors.Is(err, gobin.ErrMachine) {
		return calls{err: err}
	}
	found.unread = err != nil
	const kept = maxFindings + 1
	for _, c := range all {
		c.Caller = c.Caller[:min(len(c.Caller), 512)]
		switch {
		case onlyReads(c):
		case slices.Contains(procsSetters, c.Target) && len(found.procs) < kept:
			found.procs = append(found.procs, c)
		case slices.Contains(limitSetters, c.Target) && len(found.limit) < kept:
			found.limit = append(found.limit, c)
		}
	}
	return found
}

// onlyReads reports whether a call asks for the value alone, which GOMAXPROCS(0) and
// SetMemoryLimit(-1) do, or comes from the standard library, of which package testing
// alone sets anything.
func onlyReads(c gobin.Call) bool {
	if strings.HasPrefix(c.Caller, "testing.") || strings.HasPrefix(c.Caller, "runtime/debug.") || strings.HasPrefix(c.Caller, "sync.(*Pool).pinSlow") {
		return true
	}
	if slices.Contains(procsSetters, c.Target) {
		return c.Known && c.Arg <= 0
	}
	return c.Known && c.Arg < 0
}

// describe names a call with its evidence.
func describe(c gobin.Call) string {
	target := strings.Replace(c.Target, "debug.set", "debug.Set", 1)
	if c.Known {
		return fmt.Sprintf("%s calls %s(%d), at offset %#x", c.Caller, target, c.Arg, c.Offset)
	}
	return fmt.Sprintf("%s calls %s and may set it, at offset %#x", c.Caller, target, c.Offset)
}

// isLibrary reports whether a function belongs to a module's packages.
func isLibrary(function string, module feature) bool {
	return strings.HasPrefix(function, string(module)+"/") || strings.HasPrefix(function, string(module)+".")
}

// judgeProcsCalls names who ends the following of the CPU limit: automaxprocs does
// so at every start, other code perhaps.
func (in *inspection) judgeProcsCalls(t *tally, p program) {
	if p.linked.calls.err != nil {
		t.unknown("%s: %v", p.path, p.linked.calls.err)
	}
	if p.linked.has(autoMaxProcs) {
		t.fail(p.path, fmt.Sprintf("%d functions of %s", p.linked.found[autoMaxProcs].Total, autoMaxProcs), "none: it sets GOMAXPROCS once and for all")
	}
	for _, c := range p.linked.calls.procs {
		if isLibrary(c.Caller, autoMaxProcs) {
			t.fail(p.path, describe(c), "none: remove the import, the runtime follows the CPU limit itself")
			continue
		}
		t.warn(p.path, describe(c), "none: a number ends the following of the CPU limit; remove the call, or set runtime.gomaxprocs to that number or to default")
	}
}

// judgeLimitCalls names who overrides the limit that the environment sets.
func (in *inspection) judgeLimitCalls(t *tally) {
	if err := in.broken(); err != nil {
		t.unknown("who sets the memory limit: %v", err)
		return
	}
	for _, p := range in.binaries(t) {
		switch {
		case p.linked.err != nil:
			t.unknown("%s: %v", p.path, p.linked.err)
			continue
		case p.linked.calls.err != nil:
			t.unknown("%s: %v", p.path, p.linked.calls.err)
		}
		for _, c := range p.linked.calls.limit {
			if strings.HasPrefix(c.Caller, hook.Prefix) {
				continue // the rule hook's
			}
			t.warn(p.path, describe(c), "none: it overrides GOMEMLIMIT; remove the call (automemlimit is not needed here), or turn the limit of the image off")
		}
	}
}
