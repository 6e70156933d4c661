package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// stamp makes of a binary that was linked with placeholders what go build would make with these
// flags. Values of -X are bytes of their own in a binary (addstrdata in
// cmd/link/internal/ld/data.go), and where they are depends on their lengths alone: so the link
// with others of the same lengths has these in the places of those, and other names. The binary gets
// a time, in seconds since 1970.
func stamp(dir, out string, at int64, flags []string) error {
	l, err := readLinking(dir)
	if err != nil {
		return err
	}
	patches, err := l.patches(flags)
	if err != nil {
		return err
	}
	id, err := l.buildID(flags)
	if err != nil {
		return err
	}
	from, err := os.Open(binaryFile(dir))
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755) //nolint:gosec // a program
	if err != nil {
		return err
	}
	sum := sha256.New()
	err = copyPatched(to, from, patches, sum)
	if err == nil {
		err = l.sign(to, id, sum)
	}
	if err == nil {
		err = to.Chmod(0o755) //nolint:gosec // whatever the umask is
	}
	if err = errors.Join(err, to.Close()); err != nil {
		return err
	}
	return os.Chtimes(out, time.Unix(at, 0), time.Unix(at, 0))
}

func readLinking(dir string) (l linking, err error) {
	data, err := os.ReadFile(linkingFile(dir))
	if err != nil {
		return l, fmt.Errorf("reading how a binary was linked: %w", err)
	}
	if err := json.Unmarshal(data, &l); err != nil {
		return l, fmt.Errorf("reading how %s was linked: %w", binaryFile(dir), err)
	}
	return l, nil
}

// patch is bytes of a binary that are others than in the one it is made of.
type patch struct {
	at   int64
	data []byte
}

// patches are the values in the places of the placeholders, and zeros for the build IDs: with these
// a binary's sum is taken, since it is a part of them (cmd/internal/buildid, rewrite.go).
func (l linking) patches(flags []string) ([]patch, error) {
	if len(flags) != len(l.Flags) || len(flags) != len(l.Placeholders) {
		return nil, fmt.Errorf("the binary was linked with other flags than %q: %q", flags, l.Flags)
	}
	var patches []patch
	for i, flag := range flags {
		name := strings.TrimSuffix(l.Flags[i], l.Placeholders[i])
		value, ok := strings.CutPrefix(flag, name)
		if !ok || len(value) != len(l.Placeholders[i]) {
			return nil, fmt.Errorf("the binary was linked with %q, in whose place %q cannot be", l.Flags[i], flag)
		}
		if at, ok := l.Values[i]; ok {
			patches = append(patches, patch{int64(at), []byte(value)})
		}
	}
	for _, at := range l.IDs {
		patches = append(patches, patch{int64(at), make([]byte, len(l.Given))})
	}
	if len(l.HostID) > 0 {
		patches = append(patches, patch{int64(l.Host), make([]byte, len(l.HostID))})
	}
	slices.SortFunc(patches, func(a, b patch) int { return cmp.Compare(a.at, b.at) })
	return patches, nil
}

// copyPatched copies a binary with patches, which are in order, and takes its sum. It holds little
// of it: to get the memory for all of it would take as long as the copy.
func copyPatched(to io.Writer, from io.Reader, patches []patch, sum hash.Hash) error {
	w, from := io.MultiWriter(to, sum), io.Reader(struct{ io.Reader }{from}) // a file would choose a buffer of its own
	buffer := make([]byte, 1<<20)
	var at int64
	for _, p := range patches {
		if p.at < at {
			return fmt.Errorf("two patches at byte %d", p.at)
		}
		n, err := io.CopyBuffer(w, io.LimitReader(from, p.at-at), buffer)
		if err == nil && n < p.at-at {
			err = io.ErrUnexpectedEOF
		}
		if err == nil {
			_, err = io.CopyN(io.Discard, from, int64(len(p.data)))
		}
		if err == nil {
			_, err = w.Write(p.data)
		}
		if err != nil {
			return fmt.Errorf("copying the binary: %w", err)
		}
		at = p.at + int64(len(p.data))
	}
	_, err := io.CopyBuffer(w, from, buffer)
	return err
}

// sign puts a build ID with a binary's sum in it into the binary, and the host's ID that depends on
// the one without, as `go tool buildid -w` does.
func (l linking) sign(binary io.WriterAt, id string, sum hash.Hash) error {
	signed := id[:strings.LastIndex(id, "/")+1] + idOf(sum.Sum(nil))
	for _, at := range l.IDs {
		if _, err := binary.WriteAt([]byte(signed), int64(at)); err != nil {
			return err
		}
	}
	host := l.HostID
	if l.HostNamed {
		was, err := l.buildID(l.Flags)
		if err != nil {
			return err
		}
		host = hostIDOf(id)
		host[0] ^= l.HostID[0] ^ hostIDOf(was)[0] // the release's own mark
	}
	_, err := binary.WriteAt(host, int64(l.Host))
	return err
}
