package gobin

import (
	"debug/elf"
	"fmt"
)

// dynamic reads DT_NEEDED and DT_FLAGS_1 through PT_DYNAMIC, as a loader does.
func (f *file) dynamic(b *Binary) error {
	for _, p := range f.progs {
		if p.Type != elf.PT_DYNAMIC {
			continue
		}
		if p.Filesz > maxDynamic {
			return fmt.Errorf("reading PT_DYNAMIC: %d bytes", p.Filesz)
		}
		table, err := f.bytes(p.Off, p.Filesz)
		if err != nil {
			return fmt.Errorf("reading PT_DYNAMIC: %w", err)
		}
		f.dynamicEntries(b, table)
		if len(b.Needed) > maxNeeded {
			return fmt.Errorf("reading PT_DYNAMIC: %d needed libraries", len(b.Needed))
		}
	}
	return nil
}

func (f *file) dynamicEntries(b *Binary, table []byte) {
	var names []uint64
	var strtab uint64
	for tag, value := range f.pairs(table) {
		switch elf.DynTag(tag) {
		case elf.DT_NEEDED:
			names = append(names, value)
		case elf.DT_STRTAB:
			strtab = value
		case elf.DT_FLAGS_1:
			b.PIE = elf.DynFlag1(value)&elf.DF_1_PIE != 0
		}
		if elf.DynTag(tag) == elf.DT_NULL || len(names) > maxNeeded {
			break
		}
	}
	for _, name := range names {
		b.Needed = append(b.Needed, f.libraryName(strtab+name))
	}
}

// pairs are the two words of each dynamic entry.
func (f *file) pairs(table []byte) func(yield func(tag, value uint64) bool) {
	return func(yield func(tag, value uint64) bool) {
		word := f.wordSize()
		for ; len(table) >= 2*word; table = table[2*word:] {
			if !yield(f.word(table), f.word(table[word:])) {
				return
			}
		}
	}
}

func (f *file) wordSize() int {
	if f.class == elf.ELFCLASS32 {
		return 4
	}
	return 8
}

func (f *file) word(data []byte) uint64 {
	if f.class == elf.ELFCLASS32 {
		return uint64(f.order.Uint32(data))
	}
	return f.order.Uint64(data)
}

// libraryName is the string at a virtual address, "?" if it cannot be read: that
// a library is needed counts even when its name does not.
func (f *file) libraryName(addr uint64) string {
	const longest = 256
	for _, p := range f.progs {
		if p.Type != elf.PT_LOAD || addr < p.Vaddr || addr-p.Vaddr >= p.Filesz {
			continue
		}
		within := addr - p.Vaddr
		data, err := f.bytes(p.Off+within, min(longest, p.Filesz-within))
		if err == nil && cString(data) != "" {
			return cString(data)
		}
	}
	return "?"
}
