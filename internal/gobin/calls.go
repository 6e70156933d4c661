package gobin

import (
	"debug/elf"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Call is a direct call of one function by another, or a jump in place of one.
type Call struct {
	// Caller and Target are names of the function table.
	Caller, Target string
	// Offset is that of the instruction in the file.
	Offset int64
	// Arg is the first argument where it is a constant, as the instruction before
	// leaves it in the register; Known says that it is.
	Arg   int64
	Known bool
}

// ErrMachine means that the instructions of the file's machine are not read.
var ErrMachine = errors.New("calls are read on amd64 and arm64 alone")

// maxCalls bounds the answer; the largest programs have some dozens of calls of a
// function that one asks for.
const maxCalls = 4096

// Callers are the direct calls of the named functions, in the order of the code,
// except those from functions of the same name (a wrapper between ABIs).
//
// Calls through a pointer are not seen. The reader that Read was given must still
// be good. An error means that nothing is known, also if the machine is neither
// amd64 nor arm64.
func (fs *Functions) Callers(targets ...string) ([]Call, error) {
	var calls []Call
	for _, t := range fs.tables {
		entries := map[uint64]string{}
		for _, name := range targets {
			for _, at := range t.entriesOf(name) {
				entries[at] = name
			}
		}
		if len(entries) == 0 {
			continue
		}
		code, err := fs.file.codeOf(t)
		if err != nil {
			return nil, fmt.Errorf("looking for calls: %w", err)
		}
		found, err := code.callers(entries)
		if err != nil {
			return nil, fmt.Errorf("looking for calls: %w", err)
		}
		calls = append(calls, found...)
	}
	return calls, nil
}

// code is the text of a table and how its machine calls.
type code struct {
	segment
	file    *file
	machine machine
}

// machine knows the instructions of an architecture that matter here. Positions are
// indexes into code, targets are relative to the same origin and may lie outside.
type machine interface {
	// calls yields each instruction that could be a direct call, and its target.
	calls(code []byte, yield func(at int, target int64))
	// jumpsTo reports whether anything in code could be a branch to the instruction at.
	jumpsTo(code []byte, at int) bool
	// argument is the constant that the instruction before the one at puts into the
	// first argument's register, if it does.
	argument(code []byte, at int) (int64, bool)
}

func (f *file) codeOf(t table) (code, error) {
	var m machine
	switch {
	case f.machine == elf.EM_X86_64:
		m = amd64{}
	case f.machine == elf.EM_AARCH64 && f.data == elf.ELFDATA2LSB:
		m = arm64{}
	default:
		return code{}, fmt.Errorf("%w, this is %s", ErrMachine, f.machine)
	}
	x, err := f.textOf(t)
	return code{x, f, m}, err
}

// The text is read in pieces that overlap by less than an instruction.
const (
	piece   = 1 << 20
	overlap = 4
)

// callers goes through the pieces on all cores.
func (c code) callers(entries map[uint64]string) ([]Call, error) {
	pieces := (c.size + piece - 1) / piece
	found, errs := make([][]site, pieces), make([]error, pieces)
	var next, total atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < pieces; i = next.Add(1) - 1 {
				found[i], errs[i] = c.sites(i*piece, entries, &total)
			}
		})
	}
	workers.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if total.Load() > maxCalls {
		return nil, fmt.Errorf("more than %d calls", maxCalls)
	}
	return c.describe(slices.Concat(found...))
}

// sites are the calls in the piece at a position, while there are no more than maxCalls in all.
func (c code) sites(from int64, entries map[uint64]string, total *atomic.Int64) ([]site, error) {
	data, err := c.file.bytes(uint64(c.offset+from), uint64(min(piece+overlap, c.size-from)))
	if err != nil {
		return nil, err
	}
	origin := int64(c.table.entry(0))
	var sites []site
	c.machine.calls(data, func(at int, target int64) {
		name, ok := entries[uint64(origin+from+target)]
		if ok && at < piece && total.Add(1) <= maxCalls {
			sites = append(sites, site{from + int64(at), name})
		}
	})
	return sites, nil
}

// site is a call by its position in the text.
type site struct {
	at     int64
	target string
}

func (c code) describe(sites []site) ([]Call, error) {
	var calls []Call
	name, last := "", -1 // one copy of a name, however often its function calls
	for _, s := range sites {
		i, ok := c.table.at(c.table.entry(0) + uint64(s.at))
		if !ok {
			continue
		}
		if i != last {
			text, _ := c.table.name(i)
			name, last = string(text), i
		}
		if name == s.target {
			continue
		}
		call := Call{Caller: name, Target: s.target, Offset: c.offset + s.at}
		var err error
		if call.Arg, call.Known, err = c.argument(i, s.at); err != nil {
			return nil, err
		}
		calls = append(calls, call)
	}
	return slices.Clip(calls), nil
}

// maxFunction bounds the code that is looked at for one call; longer functions,
// which are generated tables, have no argument that is known.
const maxFunction = 1 << 18

// argument is the constant argument of the call at a position in function i. If
// something jumps to the call itself, the instruction before it need not have run.
func (c code) argument(i int, at int64) (int64, bool, error) {
	begin := int64(c.table.entry(i) - c.table.entry(0))
	size := min(int64(c.table.entry(i+1)-c.table.entry(i)), c.size-begin)
	if size > maxFunction || begin < 0 || at < begin || at >= begin+size {
		return 0, false, nil // too long, or of a table that is not in order
	}
	data, err := c.file.bytes(uint64(c.offset+begin), uint64(size))
	if err != nil {
		return 0, false, err
	}
	arg, ok := c.machine.argument(data, int(at-begin))
	if !ok || c.machine.jumpsTo(data, int(at-begin)) {
		return 0, false, nil
	}
	return arg, true, nil
}
