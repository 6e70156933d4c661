package gobin

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// Bounds on function tables. The largest public Go programs have some 400,000
// functions and 60 MB of table.
const (
	maxFunctions  = 1 << 20
	maxTableBytes = 128 << 20
	maxTables     = 16
	maxName       = 64 << 10
)

// The magic numbers of the function table ("pclntab") by the Go release that
// introduced them. Only the header's offsets and the entry width differ.
const (
	magic116 = 0xfffffffa
	magic118 = 0xfffffff0
	magic120 = 0xfffffff1
)

// Functions is the table of all functions that the linker kept, inlined ones
// aside, as the runtime itself uses it for tracebacks: it survives stripping, and
// what is not in it was removed as dead code.
type Functions struct {
	file   *file
	tables []table
}

// table is one function table. A forged second one must not hide the first, so
// all that the program may use count (see inUse).
type table struct {
	order   binary.ByteOrder
	field   int    // width of a word of the entry list in bytes
	count   int    // functions
	names   []byte // NUL-terminated, addressed by offset
	funcs   []byte // entry list, then the records it points to
	files   []byte // NUL-terminated names of source files
	offset  int64  // in the file
	namesAt uint64 // of names, from offset
	// absolute entries are addresses, as before Go 1.18; others count from the text.
	absolute bool
}

var errNoTable = errors.New("no function table that this version can read")

// All are the names of the functions in address order.
func (fs *Functions) All() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, t := range fs.tables {
			for i := range t.count {
				if name, ok := t.name(i); ok && !yield(string(name)) {
					return
				}
			}
		}
	}
}

// Match is what of the table one group of prefixes finds.
type Match struct {
	// Names are the first of them, as many as asked for.
	Names []string
	// Total is the number of all.
	Total int
}

// FindAll are the functions that begin with a prefix of each group, up to limit
// names of each, in one pass over the table.
func (fs *Functions) FindAll(limit int, groups [][]string) []Match {
	found := make([]Match, len(groups))
	for name := range fs.All() {
		for i, prefixes := range groups {
			if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
				if found[i].Total++; found[i].Total <= limit {
					found[i].Names = append(found[i].Names, name)
				}
			}
		}
	}
	return found
}

// HostFiles are the names of source files that are absolute: paths of the machine
// that built the binary, which -trimpath would have replaced by import paths.
func (fs *Functions) HostFiles(limit int) Match {
	var m Match
	for _, t := range fs.tables {
		for name := range bytes.SplitSeq(t.files, []byte{0}) {
			windows := len(name) > 2 && name[1] == ':' && (name[2] == '\\' || name[2] == '/')
			if !windows && !bytes.HasPrefix(name, []byte("/")) {
				continue
			}
			if m.Total++; m.Total <= limit {
				m.Names = append(m.Names, string(name[:min(len(name), maxName)]))
			}
		}
	}
	return m
}

// CgoPrefixes are how functions begin that only a binary with cgo holds: the
// runtime's bridge to C and the generated stubs of package net.
func CgoPrefixes() []string { return []string{"runtime/cgo.", "_cgo_", "x_cgo_", "net._C2func"} }

// name is the name of function i; false where the table is malformed.
func (t table) name(i int) ([]byte, bool) {
	at := t.word(t.funcs[(2*i+1)*t.field:])
	// A record begins with the entry (of the list's width) and the name's offset.
	if at > uint64(len(t.funcs)) || uint64(len(t.funcs))-at < uint64(t.field+4) {
		return nil, false
	}
	nameOff := uint64(t.order.Uint32(t.funcs[int(at)+t.field:]))
	if nameOff >= uint64(len(t.names)) {
		return nil, false
	}
	rest := t.names[nameOff:]
	end := bytes.IndexByte(rest[:min(len(rest), maxName)], 0)
	return rest[:max(end, 0)], end > 0
}

func (t table) word(data []byte) uint64 {
	if t.field == 8 {
		return t.order.Uint64(data)
	}
	return uint64(t.order.Uint32(data))
}

// readFunctions finds every function table in the loaded segments. Sections are
// not asked: some linkers give the table none, and a section can be forged.
func readFunctions(f *file) (*Functions, error) {
	fs := Functions{file: f}
	var total int
	for _, at := range f.scan(magics(f.order)) {
		t, err := f.table(at)
		if err != nil {
			continue // the magic is only six bytes: most strange hits are not tables
		}
		fs.tables = append(fs.tables, t)
		total += len(t.names) + len(t.funcs)
		if len(fs.tables) > maxTables || total > maxTableBytes {
			return nil, fmt.Errorf("reading function tables: more than %d or over %d bytes", maxTables, maxTableBytes)
		}
	}
	if len(fs.tables) == 0 {
		return nil, errNoTable
	}
	fs.tables = f.inUse(fs.tables)
	return &fs, nil
}

// magics are the first six bytes of a table's header: magic and two zeros.
func magics(order binary.ByteOrder) [][]byte {
	var all [][]byte
	for _, m := range []uint32{magic120, magic118, magic116} {
		pattern := make([]byte, 6)
		order.PutUint32(pattern, m)
		all = append(all, pattern)
	}
	return all
}

// scan are the file offsets at which a pattern stands in a loaded segment.
func (f *file) scan(patterns [][]byte) []int64 {
	var hits []int64
	const chunk, maxHits = 1 << 20, 1 << 12
	buf := make([]byte, chunk+16) // the longest pattern may lie across two chunks
	for _, span := range f.loaded() {
		for off := span[0]; off < span[1]; off += chunk {
			n := min(int64(len(buf)), span[1]-off)
			if _, err := f.r.ReadAt(buf[:n], off); err != nil {
				return hits
			}
			for _, p := range patterns {
				for at := 0; len(hits) < maxHits; at++ {
					i := bytes.Index(buf[at:n], p)
					if i < 0 || at+i >= chunk {
						break
					}
					at += i
					hits = append(hits, off+int64(at))
				}
			}
		}
	}
	return hits
}

// loaded are the file ranges of PT_LOAD, cut to the file and without overlaps, so
// that a thousand headers over the same bytes cost one read.
func (f *file) loaded() [][2]int64 {
	var spans [][2]int64
	for _, p := range f.progs {
		if p.Type != elf.PT_LOAD || p.Off >= uint64(f.size) {
			continue
		}
		end := min(p.Filesz, uint64(f.size)-p.Off) + p.Off
		spans = append(spans, [2]int64{int64(p.Off), int64(end)})
	}
	return mergeSpans(spans)
}
