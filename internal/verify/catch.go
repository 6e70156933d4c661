package verify

import (
	"bytes"
	"io"
	"path"

	"github.com/plimsoll-build/plimsoll/internal/rootfs"
)

// caught is a program read on the way, with the place that it was read from.
type caught struct {
	at rootfs.Location
	program
}

// catch reads the wanted files while a layer passes by.
type catch struct {
	names    map[string]bool
	limit    int64
	programs map[string]caught
	passwd   []byte
	passwdAt rootfs.Location
	keys     map[rootfs.Location]bool // files that are private keys
}

func newCatch(names map[string]bool, l Limits) catch {
	return catch{names: names, limit: l.Binary, programs: map[string]caught{}, keys: map[rootfs.Location]bool{}}
}

func (c *catch) take(e tarEntry) error {
	if e.Type != rootfs.File {
		return nil
	}
	if e.Path == passwdPath && e.Size <= maxPasswd {
		data, err := io.ReadAll(io.LimitReader(e.content, maxPasswd))
		c.passwd, c.passwdAt = data, e.Content
		return err
	}
	if !c.names[e.Path] {
		return c.takeKey(e)
	}
	p, err := readProgram(e.content, e.Size, c.limit)
	c.programs[e.Path] = caught{e.Content, p}
	return err
}

// takeKey looks for a private key where one may be: in a small file that is named
// as PEM files are.
func (c *catch) takeKey(e tarEntry) error {
	const largest = 64 << 10
	if ext := path.Ext(e.Path); e.Size > largest || (ext != ".pem" && ext != ".key") {
		return nil
	}
	data, err := io.ReadAll(io.LimitReader(e.content, largest))
	if bytes.Contains(data, []byte("PRIVATE KEY-----")) {
		c.keys[e.Content] = true
	}
	return err
}

// add takes what another has caught in the layer of that index.
func (c *catch) add(other catch, layer int) {
	at := func(l rootfs.Location) rootfs.Location { l.Layer = layer; return l }
	for name, p := range other.programs {
		c.programs[name] = caught{at(p.at), p.program}
	}
	for l := range other.keys {
		c.keys[at(l)] = true
	}
	if other.passwd != nil {
		c.passwd, c.passwdAt = other.passwd, at(other.passwdAt)
	}
}
