package gobin

import (
	"bytes"
	"debug/elf"
	"slices"
)

// inUse keeps, of several tables, those that the program's own data points to. A
// Go program can carry another one as data (go:embed), of which the table is not
// its own. The runtime's module data begins with the address of the table and, as
// the next word, that of its names, which nothing but the loaded table fits.
//
// In a position-independent file these words may be left to relocations; then,
// and if no table is pointed to, all are kept: too many is safe, too few is not.
func (f *file) inUse(tables []table) []table {
	if len(tables) < 2 || f.elfType != elf.ET_EXEC {
		return tables
	}
	var anchors [][]byte
	for _, t := range tables {
		anchors = append(anchors, f.anchor(t))
	}
	found := make([]bool, len(tables))
	for _, at := range f.scan(anchors) {
		for i, a := range anchors {
			got, err := f.bytes(uint64(at), uint64(len(a)))
			found[i] = found[i] || (err == nil && bytes.Equal(got, a))
		}
	}
	if !slices.Contains(found, true) {
		return tables
	}
	var used []table
	for i, t := range tables {
		if found[i] {
			used = append(used, t)
		}
	}
	return used
}

// anchor is the two words that module data begins with for a table.
func (f *file) anchor(t table) []byte {
	var words []byte
	for _, offset := range []uint64{uint64(t.offset), uint64(t.offset) + t.namesAt} {
		words = f.appendWord(words, f.address(offset))
	}
	return words
}

// address is where a file offset is loaded.
func (f *file) address(offset uint64) uint64 {
	for _, p := range f.progs {
		if p.Type == elf.PT_LOAD && offset >= p.Off && offset-p.Off < p.Filesz {
			return p.Vaddr + offset - p.Off
		}
	}
	return 0
}

func (f *file) appendWord(data []byte, word uint64) []byte {
	buf := make([]byte, 8)
	if f.class == elf.ELFCLASS32 {
		f.order.PutUint32(buf, uint32(word))
		return append(data, buf[:4]...)
	}
	f.order.PutUint64(buf, word)
	return append(data, buf...)
}
