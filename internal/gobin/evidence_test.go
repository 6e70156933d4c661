package gobin_test

import (
	"bytes"
	"slices"
	"testing"
)

func TestMissingEvidence(t *testing.T) {
	whole := build(t, "amd64", "1.26", []string{"GOARCH=amd64"}, "-ldflags=-s -w")
	noSections := slices.Clone(whole)
	clear(noSections[0x28:0x30]) // e_shoff
	clear(noSections[0x3c:0x40]) // e_shnum, e_shstrndx
	const infoMagic = "\xff Go buildinf:"
	noMagic := bytes.ReplaceAll(whole, []byte{0xf1, 0xff, 0xff, 0xff, 0, 0}, make([]byte, 6))
	noInfo := bytes.ReplaceAll(whole, []byte(infoMagic), make([]byte, 14))
	manySections := slices.Clone(whole)
	manySections[0x3c], manySections[0x3d] = 0xff, 0xff
	noCopies := bytes.ReplaceAll(noInfo, []byte("\x30\x77\xaf\x0c\x92\x74\x08\x02"), make([]byte, 8))
	forged := slices.Clone(whole)
	at := bytes.Index(forged, []byte(infoMagic))
	copy(forged[at+bytes.Index(forged[at:], []byte("GOAMD64=")):], "GOAMD65=")
	tests := []struct {
		name             string
		data             []byte
		build, functions bool
		fromCopy         bool
		copies, others   int
	}{
		{"whole", whole, true, true, false, 2, 0},
		{"no section table", noSections, true, true, false, 2, 0},
		{"65535 sections", manySections, true, true, true, 2, 0},
		{"function table without its magic", noMagic, true, false, false, 2, 0},
		{"build info without its magic", noInfo, true, true, true, 2, 0},
		{"build info without its copies", noCopies, false, true, false, 0, 0},
		{"section and copy differ", forged, true, true, false, 1, 1},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			b := read(t, tc.data)
			if (b.Build != nil) != tc.build || (b.BuildErr == nil) != tc.build {
				t.Errorf("build info %v, error %v", b.Build != nil, b.BuildErr)
			}
			if b.FromCopy != tc.fromCopy || b.Copies != tc.copies || len(b.Others) != tc.others {
				t.Errorf("from copy %v, %d copies, %d others", b.FromCopy, b.Copies, len(b.Others))
			}
			if (b.Functions != nil) != tc.functions || (b.FunctionsErr == nil) != tc.functions {
				t.Errorf("functions %v, error %v", b.Functions != nil, b.FunctionsErr)
			}
		})
	}
}
