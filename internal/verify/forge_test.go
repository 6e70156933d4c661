package verify_test

import (
	"bytes"
	"compress/flate"
	"debug/elf"
	le "encoding/binary"
	"slices"
	"strings"
	"testing"
)

// What the linker writes before build info: in its section, and before each copy.
const (
	infoMagic = "\xff Go buildinf:"
	infoStart = "\x30\x77\xaf\x0c\x92\x74\x08\x02\x41\xe1\xc1\x07\xe6\xd6\x18\xe6"
)

func blank(s string) string { return strings.Repeat("\x00", len(s)) }

// edit replaces bytes by as many others: all of them, or those in the section alone.
type edit struct {
	old, new string
	all      bool
}

func edited(name string, edits ...edit) func(*testing.T, *draft) {
	return func(t *testing.T, d *draft) {
		data := slices.Clone(program(t, name))
		section := bytes.Index(data, []byte(infoMagic))
		for _, e := range edits {
			found := 0
			for at := 0; ; at += len(e.old) {
				i := bytes.Index(data[at:], []byte(e.old))
				if i < 0 {
					break
				}
				const reach = 4096 // a section of such a small program is shorter
				if at += i; e.all || (at >= section && at < section+reach) {
					copy(data[at:], e.new)
					found++
				}
			}
			if found == 0 {
				t.Fatalf("%s does not hold %q", name, e.old)
			}
		}
		d.content["orders"] = data
	}
}

// packed is a program as UPX leaves it: a loadable stub with the mark behind its
// headers, the compressed program, and the mark at the end.
func packed(t *testing.T, data []byte) []byte {
	var body bytes.Buffer
	z, err := flate.NewWriter(&body, flate.BestSpeed)
	check(t, err)
	_, err = z.Write(data)
	check(t, err)
	check(t, z.Close())
	return program64(elf.PF_R|elf.PF_X, []byte("\x00\x00\x00\x00UPX!"+body.String()+"UPX!"+blank("12345678")))
}

// program64 is an ELF program of one segment, which begins with its headers.
func program64(flags elf.ProgFlag, body []byte) []byte {
	h := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: 1, Entry: 0x400080, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1}
	copy(h.Ident[:], elf.ELFMAG+"\x02\x01\x01")
	var out bytes.Buffer
	_ = le.Write(&out, le.LittleEndian, h) // into memory: never fails
	size := uint64(binarySize(h) + len(body))
	load := elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(flags), Vaddr: 0x400000, Filesz: size, Memsz: size}
	_ = le.Write(&out, le.LittleEndian, load)
	out.Write(body)
	return out.Bytes()
}

// binarySize is that of both headers.
func binarySize(h elf.Header64) int { return int(h.Ehsize) + int(h.Phentsize) }
