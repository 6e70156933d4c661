package gobin

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// amd64 reads at every byte, since instructions have no fixed length: what is taken
// for a call by mistake must still hit the first byte of a function.
type amd64 struct{}

// calls knows CALL rel32 and JMP rel32.
func (amd64) calls(code []byte, yield func(at int, target int64)) {
	for at := 0; at+5 <= len(code); at++ {
		if code[at]&0xfe == 0xe8 {
			yield(at, int64(at)+5+int64(int32(binary.LittleEndian.Uint32(code[at+1:]))))
		}
	}
}

// jumpsTo knows JMP and the conditional jumps, each with 8 and 32 bits.
func (amd64) jumpsTo(code []byte, to int) bool {
	for at := range code {
		short := code[at] == 0xeb || code[at]&0xf0 == 0x70
		if short && at+2 <= len(code) && at+2+int(int8(code[at+1])) == to {
			return true
		}
		near := code[at] == 0xe9 || (code[at]&0xf0 == 0x80 && at > 0 && code[at-1] == 0x0f)
		if near && at+5 <= len(code) && at+5+int(int32(binary.LittleEndian.Uint32(code[at+1:]))) == to {
			return true
		}
	}
	return false
}

// argument knows how Go's compiler loads a constant into AX: XORL AX, AX; MOVL
// $imm32, AX; MOVQ $imm32, AX. One byte of padding may stand before the call.
func (amd64) argument(code []byte, at int) (int64, bool) {
	before := code[:at]
	before = bytes.TrimSuffix(before, []byte{0x90})
	n := len(before)
	switch {
	case bytes.HasSuffix(before, []byte{0x31, 0xc0}):
		return 0, true
	case n >= 7 && bytes.Equal(before[n-7:n-4], []byte{0x48, 0xc7, 0xc0}):
		return int64(int32(binary.LittleEndian.Uint32(before[n-4:]))), true
	case n >= 5 && before[n-5] == 0xb8:
		return int64(binary.LittleEndian.Uint32(before[n-4:])), true
	}
	return 0, false
}

// arm64 reads words: every instruction has four bytes.
type arm64 struct{}

// calls knows BL and B.
func (arm64) calls(code []byte, yield func(at int, target int64)) {
	for at := 0; at+4 <= len(code); at += 4 {
		if op := binary.LittleEndian.Uint32(code[at:]); op&0x7c000000 == 0x14000000 {
			yield(at, int64(at)+displacement(op, 0, 26))
		}
	}
}

// displacement is the signed field of so many bits, in bytes.
func displacement(op uint32, shift, width int) int64 {
	return int64(int32(op<<(32-width-shift))>>(32-width)) * 4
}

// jumpsTo knows B, B.cond, CBZ, CBNZ, TBZ and TBNZ.
func (arm64) jumpsTo(code []byte, to int) bool {
	for at := 0; at+4 <= len(code); at += 4 {
		op := binary.LittleEndian.Uint32(code[at:])
		var by int64
		switch {
		case op&0xfc000000 == 0x14000000:
			by = displacement(op, 0, 26)
		case op&0xfe000000 == 0x54000000, op&0x7e000000 == 0x34000000:
			by = displacement(op, 5, 19)
		case op&0x7e000000 == 0x36000000:
			by = displacement(op, 5, 14)
		default:
			continue
		}
		if int64(at)+by == int64(to) {
			return true
		}
	}
	return false
}

// argument knows how Go's compiler loads a constant into R0: MOVD ZR, R0 (ORR),
// MOVZ and MOVN of 16 bits, and ORR of ones side by side, as 3 and 8 are.
func (arm64) argument(code []byte, at int) (int64, bool) {
	if at < 4 {
		return 0, false
	}
	op := binary.LittleEndian.Uint32(code[at-4:])
	imm := int64(op >> 5 & 0xffff)
	switch {
	case op == 0xaa1f03e0:
		return 0, true
	case op&0xffe0001f == 0xd2800000:
		return imm, true
	case op&0xffe0001f == 0x92800000:
		return ^imm, true
	case op&0xffc003ff == 0xb24003e0:
		ones := uint64(1)<<(op>>10&0x3f+1) - 1
		return int64(bits.RotateLeft64(ones, -int(op>>16&0x3f))), true
	}
	return 0, false
}
