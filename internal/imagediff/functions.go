package imagediff

import (
	"bytes"
	"cmp"
	"debug/buildinfo"
	"debug/elf"
	"debug/gosym"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Bounds on one program's code.
const (
	maxTable     = 128 << 20
	maxFunction  = 16 << 20
	maxFunctions = 1 << 19 // several times the largest programs that people ship
)

// function is one range of the code, by the table that the runtime uses itself.
type function struct {
	name       string
	start, end uint64
}

func (f function) size() uint64 { return f.end - f.start }

// program is an ELF file with its functions, in address order.
type program struct {
	data      io.ReaderAt
	file      *elf.File
	module    string
	functions []function
	// byName are the functions of one name in address order: an assembly function and its
	// wrapper for the other calling convention share theirs.
	byName   map[string][]function
	tableErr error
}

// openProgram reads headers and function table. The standard library's readers can
// panic on hostile files; that is an error like another.
func openProgram(r io.ReaderAt) (p *program, err error) {
	defer func() {
		if v := recover(); v != nil {
			p, err = nil, fmt.Errorf("malformed: %v", v)
		}
	}()
	f, err := elf.NewFile(r)
	if err != nil {
		return nil, err
	}
	if len(f.Sections) > maxSections {
		return nil, errors.New("too many sections")
	}
	p = &program{data: r, file: f, byName: map[string][]function{}}
	if info, err := buildinfo.Read(r); err == nil {
		p.module = info.Main.Path
	}
	p.tableErr = p.readTable()
	return p, nil
}

// readTable lists the functions. Go names its table .gopclntab in static programs and
// .data.rel.ro.gopclntab in position-independent ones.
func (p *program) readTable() (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("malformed function table: %v", v)
		}
	}()
	table, text := p.file.Section(".gopclntab"), p.file.Section(".text")
	if table == nil {
		table = p.file.Section(".data.rel.ro.gopclntab")
	}
	if table == nil || text == nil || table.Size > maxTable {
		return errors.New("no function table")
	}
	data, err := table.Data()
	if err != nil {
		return err
	}
	if n := claimed(data); n > min(maxFunctions, uint64(len(data))/8) {
		return fmt.Errorf("malformed function table: it claims %d functions", n)
	}
	symbols, err := gosym.NewTable(nil, gosym.NewLineTable(data, text.Addr))
	if err != nil {
		return err
	}
	for _, f := range symbols.Funcs {
		if f.End < f.Entry || f.End-f.Entry > maxFunction {
			continue
		}
		fn := function{f.Name, f.Entry, f.End}
		p.functions = append(p.functions, fn)
	}
	if len(p.functions) == 0 { // gosym keeps to itself what it cannot read
		return errors.New("malformed function table")
	}
	slices.SortFunc(p.functions, func(a, b function) int { return cmp.Compare(a.start, b.start) })
	for _, f := range p.functions {
		p.byName[f.name] = append(p.byName[f.name], f)
	}
	return nil
}

// claimed is the number of functions in a table's header, where it has stood since Go 1.2. gosym
// allocates as many before it looks whether they are there.
func claimed(table []byte) uint64 {
	if len(table) < 16 {
		return 0
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if table[0] == 0xff { // the magic's first byte, whatever the ELF header says
		order = binary.BigEndian
	}
	if table[7] == 4 { // bytes of a pointer
		return uint64(order.Uint32(table[8:]))
	}
	return order.Uint64(table[8:])
}

// own reports whether a function is of the program's own module.
func (p *program) own(name string) bool {
	return strings.HasPrefix(name, "main.") || (p.module != "" && strings.HasPrefix(name, p.module))
}

// bytesAt are n bytes at an address, as loaded; nil where nothing of the file lies.
func (p *program) bytesAt(addr, n uint64) []byte {
	for _, s := range p.file.Sections {
		if s.Type == elf.SHT_NOBITS || s.Flags&elf.SHF_ALLOC == 0 || addr < s.Addr || addr >= s.Addr+s.Size {
			continue
		}
		data := make([]byte, min(n, s.Addr+s.Size-addr, maxFunction))
		if _, err := p.data.ReadAt(data, int64(s.Offset+addr-s.Addr)); err != nil {
			return nil
		}
		return data
	}
	return nil
}

// at is the function around an address.
func (p *program) at(addr uint64) (function, bool) {
	i, _ := slices.BinarySearchFunc(p.functions, addr, func(f function, a uint64) int {
		if f.end <= a {
			return -1
		}
		return 1
	})
	if i < len(p.functions) && p.functions[i].start <= addr {
		return p.functions[i], true
	}
	return function{}, false
}

// functions names those that differ, the service's own before all others. A function
// that only moved, or calls one that did, is the same.
func (c *comparison) functions(name string, a, b *program) {
	if a.tableErr != nil || b.tableErr != nil {
		if fmt.Sprint(a.tableErr) != fmt.Sprint(b.tableErr) {
			c.add(name+" functions", legible(a.tableErr), legible(b.tableErr))
		}
		return
	}
	var changed []Difference
	for _, key := range union(a.byName, b.byName) {
		changed = append(changed, ofName(a, b, key)...)
	}
	slices.SortStableFunc(changed, func(x, y Difference) int { return rank(a, x.Where) - rank(a, y.Where) })
	for i, d := range changed {
		if i == maxDifferences {
			c.add(name+" functions", fmt.Sprintf("%d more that differ", len(changed)-i), "none")
			break
		}
		c.add(name+" function "+d.Where, d.Got, d.Want)
	}
}

func legible(tableErr error) string {
	if tableErr == nil {
		return "a function table"
	}
	return tableErr.Error()
}

// ofName compares the functions of one name, first with first.
func ofName(a, b *program, name string) []Difference {
	fs, gs := a.byName[name], b.byName[name]
	switch {
	case len(gs) == 0:
		return []Difference{{name, "there", "absent"}}
	case len(fs) == 0:
		return []Difference{{name, "absent", "there"}}
	case len(fs) != len(gs):
		return []Difference{{name, fmt.Sprintf("%d of this name", len(fs)), fmt.Sprint(len(gs))}}
	}
	for i, f := range fs {
		g := gs[i]
		if f.size() != g.size() {
			return []Difference{{name, fmt.Sprintf("%d bytes of code", f.size()), fmt.Sprintf("%d bytes", g.size())}}
		}
		if at := differAt(a, b, f, g); at >= 0 {
			return []Difference{{name, fmt.Sprintf("other code at offset %d", at), "the same code"}}
		}
	}
	return nil
}

func rank(p *program, name string) int {
	if p.own(name) {
		return 0
	}
	return 1
}

// differAt is the first offset at which two functions of one size are not the same
// code; negative if there is none.
func differAt(a, b *program, f, g function) int {
	x, y := a.bytesAt(f.start, f.size()), b.bytesAt(g.start, g.size())
	own := a.own(f.name)
	if bytes.Equal(x, y) && !own {
		return -1
	}
	if len(x) != len(y) {
		return 0
	}
	pair := references{a, b, f, g, x, y, own}
	switch a.file.Machine {
	case elf.EM_X86_64, elf.EM_386:
		return pair.x86()
	case elf.EM_AARCH64:
		return pair.arm64()
	}
	for i := range x {
		if x[i] != y[i] {
			return i
		}
	}
	return -1
}
