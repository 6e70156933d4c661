package gobin_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/gobin"
)

func FuzzRead(f *testing.F) {
	whole := build(f, "pie", "1.26", []string{"GOARCH=amd64"}, "-buildmode=pie")
	small := build(f, "arm", "1.26", []string{"GOARCH=arm", "GOARM=6"}, "-ldflags=-s -w")
	for _, data := range [][]byte{whole[:4096], small[:4096], pclntabOnly(f, small)} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := gobin.Read(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		if (b.Functions == nil) == (b.FunctionsErr == nil) || (b.Build == nil) == (b.BuildErr == nil) {
			t.Error("evidence is neither there nor explained")
		}
		if b.Functions != nil {
			find(b.Functions, 3, gobin.CgoPrefixes()...)
			_, _ = b.Functions.Callers("runtime.GOMAXPROCS", "main.main", "runtime.newobject")
		}
	})
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
