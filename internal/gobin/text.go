package gobin

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"slices"
)

var errNoText = errors.New("where the functions of the table begin cannot be told")

// segment is where the functions of one table lie.
type segment struct {
	table table
	// base is the address that the entries of the table count from.
	base uint64
	// offset and size are those of all its functions in the file.
	offset, size int64
}

// textStartWord is where in the runtime's module data the first function's address
// stands (runtime/symtab.go, moduledata; the same since Go 1.16).
const textStartWord = 22

// textOf finds the functions of a table. The header's own word for it is zero since
// Go 1.26, and the section .text begins with C code where there is any, so the
// runtime's module data is asked, or the relocations that will write it.
func (f *file) textOf(t table) (segment, error) {
	first, last := t.entry(0), t.entry(t.count)
	for _, base := range f.textStarts(t) {
		if t.absolute {
			base = 0 // entries are addresses
		}
		for _, p := range f.progs {
			if p.Type != elf.PT_LOAD || p.Flags&elf.PF_X == 0 || last < first || base+first < p.Vaddr {
				continue
			}
			at, size := base+first-p.Vaddr, last-first
			if at > p.Filesz || size > p.Filesz-at || p.Off > uint64(f.size) || at+size > uint64(f.size)-p.Off {
				continue
			}
			return segment{t, base, int64(p.Off + at), int64(size)}, nil
		}
	}
	return segment{}, errNoText
}

// textStarts are the addresses that module data of a table names.
func (f *file) textStarts(t table) []uint64 {
	var starts []uint64
	anchor := f.anchor(t)
	word := uint64(f.wordSize())
	for _, at := range f.scan([][]byte{anchor}) {
		if data, err := f.bytes(uint64(at)+textStartWord*word, word); err == nil && f.word(data) != 0 {
			starts = append(starts, f.word(data))
		}
	}
	if len(starts) == 0 && f.class == elf.ELFCLASS64 {
		starts = f.relocatedStarts(anchor)
	}
	slices.Sort(starts)
	return slices.Compact(starts)
}

// relocatedStarts looks for module data among the relocations with addends, sorted
// by address as linkers leave them or not.
func (f *file) relocatedStarts(anchor []byte) []uint64 {
	table := f.relocations()
	var modules []uint64 // addresses at which the anchor's first word will stand
	names := map[uint64]bool{}
	for at, value := range relocationsIn(table, f.order) {
		switch value {
		case f.order.Uint64(anchor):
			modules = append(modules, at)
		case f.order.Uint64(anchor[8:]):
			names[at] = true
		}
	}
	modules = slices.DeleteFunc(modules, func(at uint64) bool { return !names[at+8] })
	var starts []uint64
	for at, value := range relocationsIn(table, f.order) {
		if slices.ContainsFunc(modules, func(m uint64) bool { return at == m+textStartWord*8 }) {
			starts = append(starts, value)
		}
	}
	return starts
}

const maxRelocations = 64 << 20 // bytes; the largest Go programs have some 20 MB

// relocations are the bytes of the table with addends; nil if there is none.
func (f *file) relocations() []byte {
	var at, size uint64
	for _, p := range f.progs {
		if p.Type != elf.PT_DYNAMIC || p.Filesz > maxDynamic {
			continue
		}
		dynamic, err := f.bytes(p.Off, p.Filesz)
		if err != nil {
			return nil
		}
		for tag, value := range f.pairs(dynamic) {
			switch elf.DynTag(tag) {
			case elf.DT_RELA: //nolint:misspell // its name
				at = value
			case elf.DT_RELASZ:
				size = value
			}
		}
	}
	for _, p := range f.progs {
		if p.Type == elf.PT_LOAD && at >= p.Vaddr && at-p.Vaddr < p.Filesz && size <= maxRelocations {
			data, err := f.bytes(p.Off+at-p.Vaddr, size)
			if err == nil {
				return data
			}
		}
	}
	return nil
}

// relocationsIn are the address and addend of each entry of that table.
func relocationsIn(data []byte, order binary.ByteOrder) func(yield func(at, value uint64) bool) {
	const entry = 24
	return func(yield func(at, value uint64) bool) {
		for ; len(data) >= entry; data = data[entry:] {
			if !yield(order.Uint64(data), order.Uint64(data[16:])) {
				return
			}
		}
	}
}

// entry is what the table's list says of the begin of function i, or with i its
// count of the end of the last.
func (t table) entry(i int) uint64 { return t.word(t.funcs[2*i*t.field:]) }

// at is the index of the function that holds an offset from base; false outside.
func (t table) at(off uint64) (int, bool) {
	if off < t.entry(0) || off >= t.entry(t.count) {
		return 0, false
	}
	lo, hi := 0, t.count
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; t.entry(mid) <= off {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo, true
}

// entriesOf are the offsets from base at which functions of that name begin.
func (t table) entriesOf(name string) []uint64 {
	var found []uint64
	for i := range t.count {
		if got, ok := t.name(i); ok && bytes.Equal(got, []byte(name)) {
			found = append(found, t.entry(i))
		}
	}
	return found
}
