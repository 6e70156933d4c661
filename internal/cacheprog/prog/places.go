package main

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
)

// places are where in a binary a stamp changes it, in bytes from its beginning.
type places struct {
	Values map[int]int // of placeholders, by the index of the flag
	IDs    []int       // of the build ID
	// Host is where the host's build ID is, HostID what it is, empty without one. HostNamed says that
	// it is made of the build ID, and not of the flags.
	Host      int
	HostID    []byte
	HostNamed bool
}

// find finds the places in a binary that was linked with l.Flags and an ID.
func (l linking) find(binary []byte, id string) (p places, err error) {
	if p.Values, err = l.values(binary); err != nil {
		return p, err
	}
	for from := 0; ; {
		at := bytes.Index(binary[from:], []byte(id))
		if at < 0 {
			break
		}
		p.IDs = append(p.IDs, from+at)
		from += at + len(id)
	}
	if len(p.IDs) == 0 {
		return p, errors.New("the binary does not hold the build ID " + id)
	}
	if p.Host, p.HostID, err = hostID(binary); err != nil {
		return p, fmt.Errorf("looking for the host's build ID: %w", err)
	}
	if len(p.HostID) == 0 {
		return p, nil
	}
	want := hostIDOf(id)
	p.HostNamed = bytes.Equal(p.HostID[1:], want[1:])
	if !p.HostNamed && !l.setsHostID() {
		return p, l.unknown("names binaries", hex.EncodeToString(p.HostID), hex.EncodeToString(want))
	}
	return p, nil
}

// errTwice is that of a binary which holds a placeholder by accident.
var errTwice = errors.New("the binary has a placeholder twice")

// values are where the placeholders are. One that is nowhere belongs to a variable that the program
// does not have, or does not use, or to one that is set once more.
func (l linking) values(binary []byte) (map[int]int, error) {
	found := map[int]int{}
	for i, placeholder := range l.Placeholders {
		at := bytes.Index(binary, []byte(placeholder))
		if placeholder == "" || at < 0 {
			continue
		}
		if bytes.Contains(binary[at+1:], []byte(placeholder)) {
			return nil, fmt.Errorf("%w: that of %s; give the value another length", errTwice, l.Flags[i])
		}
		found[i] = at
	}
	return found, nil
}

// hostID is an ELF binary's GNU build ID, behind the head of its note, and where it is.
func hostID(binary []byte) (at int, id []byte, err error) {
	file, err := elf.NewFile(bytes.NewReader(binary))
	if err != nil {
		return 0, nil, err
	}
	const head = 16
	section := file.Section(".note.gnu.build-id")
	if section == nil {
		return 0, nil, nil
	}
	if section.Size < head || section.Offset+section.Size > uint64(len(binary)) {
		return 0, nil, errors.New("it is outside of the file")
	}
	at = int(section.Offset) + head
	return at, binary[at : at+int(section.Size)-head], nil
}

// hostIDOf is what the linker makes of a build ID (addbuildinfo in cmd/link/internal/ld/elf.go), but
// for the first byte: there each release tells its sums from those of others in a way of its own
// (cmd/internal/hash).
func hostIDOf(id string) []byte {
	sum := sha256.Sum256([]byte(id))
	return sum[:20]
}
