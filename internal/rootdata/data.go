package rootdata

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"slices"
	"sync"
)

// Names of the data that Lookup knows. A plan refers to a file by one of them.
const (
	// CARoots is Mozilla's TLS server roots as one PEM file, but for the roots of ExcludedRoots.
	CARoots = "ca-certificates.crt"
	// Zoneinfo is the IANA time zone database in the zip form that Go reads
	// through the variable ZONEINFO.
	Zoneinfo = "zoneinfo.zip"
)

// zoneinfo is lib/time/zoneinfo.zip of Go 1.26.8. It is checked in, not read from
// GOROOT, so that the toolchain that builds Plimsoll cannot change an image.
//
//go:embed zoneinfo.zip
var zoneinfo []byte

// entry is named data with its digest, computed once.
type entry struct {
	data   []byte
	digest string
}

var entries = map[string]func() entry{
	CARoots:  sync.OnceValue(func() entry { return newEntry(bundled().pem) }),
	Zoneinfo: sync.OnceValue(func() entry { return newEntry(zoneinfo) }),
}

func newEntry(data []byte) entry {
	sum := sha256.Sum256(data)
	return entry{data: data, digest: "sha256:" + hex.EncodeToString(sum[:])}
}

// Names are the names that Lookup knows, sorted.
func Names() []string { return []string{CARoots, Zoneinfo} }

// Lookup returns a copy of the named data; ok is false for an unknown name.
func Lookup(name string) (data []byte, ok bool) {
	get, ok := entries[name]
	if !ok {
		return nil, false
	}
	return slices.Clone(get().data), true
}

// Digest is the sha256 of the named data in the form "sha256:" and hex, or the
// empty string for an unknown name.
func Digest(name string) string {
	get, ok := entries[name]
	if !ok {
		return ""
	}
	return get().digest
}
