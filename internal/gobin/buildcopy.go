package gobin

import (
	"bytes"
	"runtime/debug"
)

// The linker puts these around the build info that runtime/debug.ReadBuildInfo
// reads, in a string of the program, and again around the copy in .go.buildinfo.
var (
	infoStart = []byte("\x30\x77\xaf\x0c\x92\x74\x08\x02\x41\xe1\xc1\x07\xe6\xd6\x18\xe6")
	infoEnd   = []byte("\xf9\x32\x43\x31\x86\x18\x20\x72\x00\x82\x42\x10\x41\x16\xd8\xf2")
)

// Bounds on the copies that are read, and on their bytes together: a program may carry
// others as data, but needs only its own.
const (
	maxCopies     = 16
	maxCopiedInfo = 2 * maxBuildInfo
)

// buildCopies compares the build info with all copies in the loaded bytes, and takes
// it from the first of them if the section has none: that one names no Go version.
func (f *file) buildCopies(b *Binary) {
	want := ""
	if b.Build != nil {
		want = text(b.Build)
	}
	for _, copied := range f.copies() {
		if want == "" {
			b.Build, b.BuildErr, b.FromCopy = copied, nil, true
			want = text(copied)
		}
		if text(copied) == want {
			b.Copies++
		} else {
			b.Others = append(b.Others, copied)
		}
	}
}

// text is build info without the Go version, which the copies do not have.
func text(info *debug.BuildInfo) string {
	without := *info
	without.GoVersion = ""
	return without.String()
}

func (f *file) copies() []*debug.BuildInfo {
	var found []*debug.BuildInfo
	left := maxCopiedInfo
	for _, at := range f.scan([][]byte{infoStart}) {
		data, err := f.bytes(uint64(at), uint64(min(f.size-at, maxBuildInfo)))
		if err != nil || len(found) >= maxCopies {
			break
		}
		body, _, ended := bytes.Cut(data[len(infoStart):], infoEnd)
		if !ended {
			continue
		}
		if left -= len(body); left < 0 {
			break
		}
		if info, err := debug.ParseBuildInfo(string(body)); err == nil && info.Path != "" {
			found = append(found, info)
		}
	}
	return found
}

// packed looks for the mark that UPX leaves behind the headers and at the end.
func (f *file) packed() bool {
	const near = 512
	mark := []byte("UPX!")
	head, err := f.bytes(0, uint64(min(f.size, near)))
	if err == nil && bytes.Contains(head, mark) {
		return true
	}
	n := uint64(min(f.size, near))
	tail, err := f.bytes(uint64(f.size)-n, n)
	return err == nil && bytes.Contains(tail, mark)
}
