package imagediff

import (
	"bytes"
	"encoding/binary"
)

// references are two functions of one size, of which the bytes differ. Code names
// other code and data by distance, so that one changed line changes bytes in many
// functions that are otherwise the same: what a distance leads to decides.
type references struct {
	a, b *program
	f, g function
	x, y []byte
	// data is whether what the code refers to counts. It does for the service's own
	// functions: those of libraries share their constants' neighbours with everybody.
	data bool
}

// x86 tries, around each byte that differs, the four places that a 32-bit distance
// from the next instruction can begin at.
func (r references) x86() int {
	for i := 0; i < len(r.x); i++ {
		if r.x[i] == r.y[i] {
			continue
		}
		end := -1
		for k := max(i-3, 0); k <= i && k+4 <= len(r.x); k++ {
			to := int64(int32(binary.LittleEndian.Uint32(r.x[k:])))
			other := int64(int32(binary.LittleEndian.Uint32(r.y[k:])))
			next := uint64(k + 4)
			if r.same(r.f.start+next+uint64(to), r.g.start+next+uint64(other), lengthX86(r.x[next:])) {
				end = k + 3
				break
			}
		}
		if end < 0 {
			return i
		}
		i = end
	}
	return r.constantsX86()
}

// constantsX86 follows each LEA of an address, also where both are the same number.
func (r references) constantsX86() int {
	for i := 0; r.data && i+7 <= len(r.x); i++ {
		rex := r.x[i] == 0x48 || r.x[i] == 0x4c
		if !rex || r.x[i+1] != 0x8d || r.x[i+2]&0xc7 != 0x05 || !bytes.Equal(r.x[i:i+3], r.y[i:i+3]) {
			continue
		}
		to := uint64(int64(int32(binary.LittleEndian.Uint32(r.x[i+3:])))) + uint64(i+7)
		other := uint64(int64(int32(binary.LittleEndian.Uint32(r.y[i+3:])))) + uint64(i+7)
		if !r.same(r.f.start+to, r.g.start+other, lengthX86(r.x[i+7:])) {
			return i
		}
	}
	return -1
}

// Bytes of data that are compared: as many as the next instruction loads, which for a
// constant string is its length, or else a word.
const (
	word         = 8
	maxConstant  = 64 << 10
	movX86       = 0xb8
	movzMask     = 0xff800000
	movz, movz32 = 0xd2800000, 0x52800000
)

func lengthX86(next []byte) uint64 {
	if len(next) >= 5 && next[0]&0xf8 == movX86 {
		return length(uint64(binary.LittleEndian.Uint32(next[1:])))
	}
	return word
}

func lengthARM64(next []byte) uint64 {
	if len(next) >= 4 {
		if i := binary.LittleEndian.Uint32(next); i&movzMask == movz || i&movzMask == movz32 {
			return length(uint64(i >> 5 & 0xffff))
		}
	}
	return word
}

func length(n uint64) uint64 {
	if n == 0 || n > maxConstant {
		return word
	}
	return n
}

// The instructions of arm64 that hold a distance (Arm ARM, C4.1).
const (
	branchMask, branch, branchLink = 0xfc000000, 0x14000000, 0x94000000
	pageMask, page                 = 0x9f000000, 0x90000000
	addMask, add                   = 0xffc00000, 0x91000000
)

// arm64 compares instruction by instruction. A page with an addition is followed; one
// with a load is taken for the same, because its offset depends on the load's width.
func (r references) arm64() int {
	paged := map[uint32]bool{}
	for i := 0; i+4 <= len(r.x); i += 4 {
		p, q := binary.LittleEndian.Uint32(r.x[i:]), binary.LittleEndian.Uint32(r.y[i:])
		if p&pageMask == page && q&pageMask == page && p&31 == q&31 {
			paged[p&31] = true
			if i+8 <= len(r.x) && !r.samePage(i, p, q) {
				return i
			}
			continue
		}
		if p == q {
			continue
		}
		if p&branchMask == q&branchMask && (p&branchMask == branch || p&branchMask == branchLink) {
			if r.same(r.f.start+uint64(i)+distance(p), r.g.start+uint64(i)+distance(q), word) {
				continue
			}
			return i
		}
		// The twelve bits of an offset after a page, in an addition or a load.
		const offset = 0xfff << 10
		if p&^offset == q&^offset && paged[p>>5&31] {
			continue
		}
		return i
	}
	return -1
}

func distance(instruction uint32) uint64 { return uint64(int64(int32(instruction<<6)) >> 4) }

// samePage follows a page and the addition after it.
func (r references) samePage(i int, p, q uint32) bool {
	m, n := binary.LittleEndian.Uint32(r.x[i+4:]), binary.LittleEndian.Uint32(r.y[i+4:])
	if m&addMask != add || n&addMask != add || i+8 > len(r.x) {
		return true
	}
	return r.same(pageOf(r.f.start+uint64(i), p)+uint64(m>>10&0xfff), pageOf(r.g.start+uint64(i), q)+uint64(n>>10&0xfff), lengthARM64(r.x[i+8:]))
}

func pageOf(pc uint64, instruction uint32) uint64 {
	low, high := instruction>>29&3, instruction>>5&0x7ffff
	pages := int64(int32((high<<2|low)<<11)) >> 11
	return pc&^0xfff + uint64(pages<<12)
}

// same reports whether two addresses are of the same thing: the same place of a
// function of one name, or data that begins alike. Data of bss has no bytes and is
// taken for the same, and so are pointers, which move with what they lead to.
func (r references) same(one, other, n uint64) bool {
	f, inCode := r.a.at(one)
	g, alsoInCode := r.b.at(other)
	if inCode || alsoInCode {
		return inCode && alsoInCode && f.name == g.name && one-f.start == other-g.start
	}
	if !r.a.loaded(one) || !r.b.loaded(other) {
		return false
	}
	if !r.data {
		return true
	}
	x, y := r.a.bytesAt(one, n), r.b.bytesAt(other, n)
	if bytes.Equal(x, y) {
		return true
	}
	if len(x) < word || len(y) < word {
		return false
	}
	return r.a.loaded(binary.LittleEndian.Uint64(x)) && r.b.loaded(binary.LittleEndian.Uint64(y))
}

// loaded reports whether an address is one of the program's.
func (p *program) loaded(addr uint64) bool {
	for _, s := range p.file.Sections {
		if s.Addr != 0 && addr >= s.Addr && addr < s.Addr+s.Size {
			return true
		}
	}
	return false
}
