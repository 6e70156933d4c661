package gobin

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
)

// Bounds on what a header may claim.
const (
	maxInterp  = 4096
	maxDynamic = 1 << 20
	maxNeeded  = 1024
)

// file is an ELF file by its program headers: what the kernel looks at. Section
// headers may lie or be absent without changing what runs.
type file struct {
	r             io.ReaderAt
	size          int64
	class         elf.Class
	data          elf.Data
	elfType       elf.Type
	machine       elf.Machine
	order         binary.ByteOrder
	progs         []elf.ProgHeader
	sections      int
	sectionOffset uint64
	tableBytes    uint64 // read so far in search of function tables
}

func readHeaders(r io.ReaderAt, size int64) (*file, error) {
	var ident [elf.EI_NIDENT]byte
	if _, err := r.ReadAt(ident[:], 0); err != nil || string(ident[:4]) != elf.ELFMAG {
		return nil, ErrNotELF
	}
	f := &file{r: r, size: size, class: elf.Class(ident[elf.EI_CLASS]), data: elf.Data(ident[elf.EI_DATA])}
	switch f.data {
	case elf.ELFDATA2LSB:
		f.order = binary.LittleEndian
	case elf.ELFDATA2MSB:
		f.order = binary.BigEndian
	default:
		return nil, fmt.Errorf("reading ELF header: unknown data encoding %d", f.data)
	}
	h, err := f.header()
	if err != nil {
		return nil, fmt.Errorf("reading ELF header: %w", err)
	}
	f.elfType, f.machine = elf.Type(h.Type), elf.Machine(h.Machine)
	f.sections, f.sectionOffset = int(h.Shnum), h.Shoff
	const extended = 0xffff // PN_XNUM: the real count is in a section header
	if h.Phnum == extended {
		return nil, fmt.Errorf("reading ELF header: extended program header count")
	}
	f.progs, err = f.programs(h.Phoff, int(h.Phnum), int(h.Phentsize))
	if err != nil {
		return nil, fmt.Errorf("reading program headers: %w", err)
	}
	return f, nil
}

// header is the ELF header in its 64-bit form.
func (f *file) header() (elf.Header64, error) {
	var wide elf.Header64
	switch f.class {
	case elf.ELFCLASS64:
		err := f.decode(0, &wide)
		return wide, err
	case elf.ELFCLASS32:
		var h elf.Header32
		err := f.decode(0, &h)
		return elf.Header64{Type: h.Type, Machine: h.Machine, Phoff: uint64(h.Phoff), Shoff: uint64(h.Shoff),
			Phentsize: h.Phentsize, Phnum: h.Phnum, Shnum: h.Shnum}, err
	}
	return wide, fmt.Errorf("unknown class %d", f.class)
}

func (f *file) programs(off uint64, count, entSize int) ([]elf.ProgHeader, error) {
	want := binary.Size(elf.Prog64{})
	if f.class == elf.ELFCLASS32 {
		want = binary.Size(elf.Prog32{})
	}
	if count > 0 && entSize != want {
		return nil, fmt.Errorf("an entry has %d bytes, not %d", entSize, want)
	}
	progs := make([]elf.ProgHeader, 0, min(count, 64))
	for i := range count {
		p, err := f.program(off + uint64(i*entSize))
		if err != nil {
			return nil, err
		}
		progs = append(progs, p)
	}
	return progs, nil
}

func (f *file) program(off uint64) (elf.ProgHeader, error) {
	if f.class == elf.ELFCLASS32 {
		var p elf.Prog32
		err := f.decode(off, &p)
		return elf.ProgHeader{Type: elf.ProgType(p.Type), Flags: elf.ProgFlag(p.Flags), Off: uint64(p.Off),
			Vaddr: uint64(p.Vaddr), Filesz: uint64(p.Filesz), Memsz: uint64(p.Memsz)}, err
	}
	var p elf.Prog64
	err := f.decode(off, &p)
	return elf.ProgHeader{Type: elf.ProgType(p.Type), Flags: elf.ProgFlag(p.Flags), Off: p.Off,
		Vaddr: p.Vaddr, Filesz: p.Filesz, Memsz: p.Memsz}, err
}

// decode reads a fixed-size value at off.
func (f *file) decode(off uint64, v any) error {
	data, err := f.bytes(off, uint64(binary.Size(v)))
	if err != nil {
		return err
	}
	return binary.Read(bytes.NewReader(data), f.order, v)
}

// bytes are n bytes at off; n must be bounded by the caller or by the file.
func (f *file) bytes(off, n uint64) ([]byte, error) {
	size := uint64(f.size)
	if off > size || n > size-off {
		return nil, fmt.Errorf("%d bytes at offset %#x are outside the file", n, off)
	}
	data := make([]byte, n)
	if _, err := f.r.ReadAt(data, int64(off)); err != nil {
		return nil, fmt.Errorf("reading %d bytes at offset %#x: %w", n, off, err)
	}
	return data, nil
}

// interp notes the first PT_INTERP, which is the one that the kernel takes.
func (f *file) interp(b *Binary) error {
	for _, p := range f.progs {
		if p.Type != elf.PT_INTERP || b.HasInterp {
			continue
		}
		b.HasInterp = true
		if p.Filesz > maxInterp {
			return fmt.Errorf("reading PT_INTERP: %d bytes", p.Filesz)
		}
		name, err := f.bytes(p.Off, p.Filesz)
		if err != nil {
			return fmt.Errorf("reading PT_INTERP: %w", err)
		}
		b.Interp = cString(name)
	}
	return nil
}

// cString is data up to its first NUL.
func cString(data []byte) string {
	data, _, _ = bytes.Cut(data, []byte{0})
	return string(data)
}
