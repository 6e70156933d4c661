package gobin_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/gobin"
)

func FuzzELF(f *testing.F) {
	whole := build(f, "pie", "1.26", []string{"GOARCH=amd64"}, "-buildmode=pie")
	small := build(f, "arm", "1.26", []string{"GOARCH=arm", "GOARM=6"}, "-ldflags=-s -w")
	for _, data := range [][]byte{whole[:4096], small[:4096], pclntabOnly(f, small)} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { evidence(t, data) })
}

// evidence demands of any bytes that what they say is there or explained.
func evidence(t *testing.T, data []byte) *gobin.Binary {
	b, err := gobin.Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil
	}
	if (b.Functions == nil) == (b.FunctionsErr == nil) || (b.Build == nil) == (b.BuildErr == nil) {
		t.Error("evidence is neither there nor explained")
	}
	if b.Functions != nil {
		find(b.Functions, 3, gobin.CgoPrefixes()...)
		b.Functions.HostFiles(3)
		calls, err := b.Functions.Callers("runtime.GOMAXPROCS", "main.main", "runtime.newobject")
		for _, c := range calls {
			if err != nil || c.Offset < 0 || c.Offset >= b.Size || c.Caller == "" || c.Caller == c.Target {
				t.Errorf("call %+v, %v", c, err)
			}
		}
	}
	return b
}

// FuzzBuildInfo has the whole writable segment, where build info without a section of its
// own is looked for.
func FuzzBuildInfo(f *testing.F) {
	whole := build(f, "pie", "1.26", []string{"GOARCH=amd64"}, "-buildmode=pie")
	section := bytes.Index(whole, []byte("\xff Go buildinf:"))
	copied := bytes.Index(whole, []byte("\x30\x77\xaf\x0c\x92\x74\x08\x02"))
	if section < 0 || copied < 0 {
		f.Fatal("the program has no build info")
	}
	f.Add(whole[section:min(section+2048, len(whole))])
	f.Add(whole[copied:min(copied+2048, len(whole))])
	f.Add(append([]byte("\xff Go buildinf:\x08\x02"), make([]byte, 64)...))
	if b := evidence(nil, elfAround(nil, whole[section:section+2048])); b == nil || b.Build == nil || b.Build.GoVersion == "" {
		f.Fatalf("the seed's build info is not read: %+v", b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if b := evidence(t, elfAround(nil, data)); b == nil {
			t.Error("the headers around it cannot be read")
		} else if b.Build != nil && len(b.Build.String()) > 8*len(data)+1024 {
			t.Errorf("build info of %d bytes out of %d", len(b.Build.String()), len(data))
		}
	})
}

// FuzzPclntab has a function table with what the runtime's module data says of it.
func FuzzPclntab(f *testing.F) {
	f.Add(table64("main.main", "runtime.GOMAXPROCS", "runtime.rt0_go"))
	f.Add(table64("_cgo_topofstack"))
	small := build(f, "arm", "1.26", []string{"GOARCH=arm", "GOARM=6"}, "-ldflags=-s -w")
	f.Add(pclntabOnly(f, small)[84:])
	if b := evidence(nil, elfAround(table64("main.main"), nil)); b == nil || b.Functions == nil {
		f.Fatal("the seed's table is not read")
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if b := evidence(t, elfAround(data, bytes.Repeat([]byte{0xe8, 0, 0, 0, 0}, 20))); b == nil {
			t.Error("the headers around it cannot be read")
		}
	})
}

// FuzzCallScan has the code of two functions, of which one is asked for, on both machines.
func FuzzCallScan(f *testing.F) {
	call := []byte{0xb8, 2, 0, 0, 0, 0xe8, 0x16, 0, 0, 0, 0xc3} // MOVL $2, AX; CALL; RET
	f.Add(append(call, make([]byte, 53)...), false)
	f.Add(append([]byte{0x40, 0, 0x80, 0xd2, 7, 0, 0, 0x94}, make([]byte, 56)...), true) // MOVD $2, R0; BL
	f.Fuzz(func(t *testing.T, code []byte, arm bool) {
		code = code[:min(len(code), 1<<16)]
		data := elfAround(table64("main.main", "runtime.GOMAXPROCS"), code)
		if arm {
			data[18] = 183 // EM_AARCH64
		}
		b := evidence(t, data)
		if b == nil || b.Functions == nil {
			t.Fatal("the table around it is not read")
		}
		if _, err := b.Functions.Callers("runtime.GOMAXPROCS"); err != nil && len(code) >= 64 {
			t.Error(err)
		}
	})
}

// The seeds of the fuzz targets reach what they are for.
func TestFuzzSeeds(t *testing.T) {
	code := append([]byte{0xb8, 2, 0, 0, 0, 0xe8, 0x16, 0, 0, 0, 0xc3}, make([]byte, 53)...)
	calls, err := read(t, elfAround(table64("main.main", "runtime.GOMAXPROCS"), code)).Functions.Callers("runtime.GOMAXPROCS")
	if err != nil || len(calls) != 1 || calls[0].Caller != "main.main" || calls[0].Arg != 2 || !calls[0].Known {
		t.Errorf("%+v, %v", calls, err)
	}
}

// Where elfAround and table64 put things.
const (
	elfHead    = 128
	elfAddress = 0x400000
	namesAt    = 72
)

// elfAround is an amd64 program of one segment: a function table, module data that points
// to it and to the code, and the code.
func elfAround(table, code []byte) []byte {
	order := binary.LittleEndian
	padded := slices.Concat(table, make([]byte, -len(table)&15))
	var module []byte
	if len(table) > 0 {
		const words, textStart = 24, 22
		for i := range words {
			word := map[int]uint64{0: elfAddress, 1: elfAddress + namesAt, textStart: elfAddress + uint64(len(padded)) + 8*words}[i]
			module = order.AppendUint64(module, word)
		}
	}
	size := uint64(len(padded) + len(module) + len(code))
	head := slices.Concat([]byte("\x7fELF\x02\x01\x01"), make([]byte, 9))
	for _, half := range []uint16{2, 62} { // ET_EXEC, EM_X86_64
		head = order.AppendUint16(head, half)
	}
	head = order.AppendUint32(head, 1)
	for _, word := range []uint64{elfAddress, 64, 0} { // entry, program headers, sections
		head = order.AppendUint64(head, word)
	}
	head = order.AppendUint32(head, 0)
	for _, half := range []uint16{64, 56, 1, 64, 0, 0} {
		head = order.AppendUint16(head, half)
	}
	flags := uint32(6) // data, where build info is looked for, is not executable
	if len(table) > 0 {
		flags = 7
	}
	head = order.AppendUint32(order.AppendUint32(head, 1), flags) // PT_LOAD
	for _, word := range []uint64{elfHead, elfAddress, elfAddress, size, size, 16} {
		head = order.AppendUint64(head, word)
	}
	head = append(head, make([]byte, elfHead-len(head))...)
	return slices.Concat(head, padded, module, code)
}

// table64 is a function table of functions of 32 bytes each.
func table64(functions ...string) []byte {
	order := binary.LittleEndian
	var names, records, list []byte
	for i, name := range functions {
		at := uint32(8*len(functions) + 4 + len(records))
		list = order.AppendUint32(order.AppendUint32(list, uint32(32*i)), at)
		records = order.AppendUint32(order.AppendUint32(records, uint32(32*i)), uint32(len(names)))
		names = append(append(names, name...), 0)
	}
	list = order.AppendUint32(list, uint32(32*len(functions)))
	files := []byte("main.go\x00")
	after := uint64(namesAt + len(names))
	table := []byte{0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8}
	for _, word := range []uint64{uint64(len(functions)), 1, 0, namesAt, after, after, after + uint64(len(files)), after + uint64(len(files))} {
		table = order.AppendUint64(table, word)
	}
	return slices.Concat(table, names, files, list, records)
}

// pclntabOnly is a tiny ELF file of one segment that holds a function table cut
// to a few functions' worth, so that the fuzzer can reach the table's own fields.
func pclntabOnly(t testing.TB, data []byte) []byte {
	var table []byte
	order := binary.LittleEndian
	table = order.AppendUint32(table, 0xfffffff1)
	table = append(table, 0, 0, 4, 4)
	for _, word := range []uint32{1, 1, 0, 40, 50, 50, 50, 50} { // count, files, -, names, units, files, pc data, functions
		table = order.AppendUint32(table, word)
	}
	table = append(table, "main.main\x00"...)
	for _, word := range []uint32{0, 12, 0, 0, 0} { // entry, record, end; record: entry, name
		table = order.AppendUint32(table, word)
	}
	head := bytes.Clone(data[:52+32])
	order.PutUint16(head[0x2c:], 1) // one program header
	order.PutUint32(head[0x20:], 0) // no sections
	order.PutUint16(head[0x30:], 0)
	for i, word := range []uint32{1, 84, 0x10000, 0x10000, uint32(len(table)), uint32(len(table)), 4, 4} { // PT_LOAD
		order.PutUint32(head[52+4*i:], word)
	}
	out := slices.Concat(head, table)
	if b := read(t, out); b.Functions == nil {
		t.Fatalf("the seed's table is not read: %v", b.FunctionsErr)
	}
	return out
}
