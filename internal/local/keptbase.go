package local

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"
)

// keptBases answers requests for manifests and blobs by digest from a directory, and keeps
// there what a registry answers: what a digest names does not change. What is kept is
// compared with its digest before it is used, and serves its own repository alone: a base
// cannot name what another, private one holds. Of that repository the registry is not asked
// again whether the user may read it.
type keptBases struct {
	dir  string
	next http.RoundTripper
}

// byDigest is a request's path for what a digest names (OCI distribution spec, "Pull").
var byDigest = regexp.MustCompile(`^/v2/.+/(manifests|blobs)/sha256:([0-9a-f]{64})$`)

// kept is a file of the directory: its name is made of the address, its content has the sum.
type kept struct {
	file, sum string
	manifest  bool
}

// RoundTrip is http.RoundTripper's.
func (k keptBases) RoundTrip(req *http.Request) (*http.Response, error) {
	what, ok := k.asked(req)
	if !ok {
		return k.next.RoundTrip(req)
	}
	if req.Response == nil {
		if resp, ok := what.answer(req); ok {
			return resp, nil
		}
	}
	resp, err := k.next.RoundTrip(req)
	if err == nil && resp.StatusCode == http.StatusOK {
		resp.Body = what.keep(resp.Body)
	}
	return resp, err
}

// asked says what a request is for, unless it is without a digest. A blob's request may have
// been sent on to another host, where its path says nothing.
func (k keptBases) asked(req *http.Request) (kept, bool) {
	for req.Response != nil && req.Response.Request != nil {
		req = req.Response.Request
	}
	m := byDigest.FindStringSubmatch(req.URL.Path)
	if m == nil || req.Method != http.MethodGet || req.Header.Get("Range") != "" {
		return kept{}, false
	}
	address := sha256.Sum256([]byte(req.URL.Host + req.URL.Path))
	return kept{filepath.Join(k.dir, hex.EncodeToString(address[:])), m[2], m[1] == "manifests"}, true
}

// answer is what is kept, as a registry would send it. A damaged file goes.
func (k kept) answer(req *http.Request) (*http.Response, bool) {
	f, err := os.Open(k.file)
	if err != nil {
		return nil, false
	}
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	if err == nil && hex.EncodeToString(sum.Sum(nil)) != k.sum {
		err = errors.Join(errors.New("damaged"), os.Remove(k.file))
	}
	contentType := "application/octet-stream"
	if err == nil && k.manifest {
		contentType, err = mediaTypeOf(f)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = f.Close()
		return nil, false
	}
	now := time.Now()
	_ = os.Chtimes(k.file, now, now) // what prunes the cache goes by the last use
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {contentType}, "Docker-Content-Digest": {"sha256:" + k.sum}},
		ContentLength: size, Body: f, Request: req,
	}, true
}

// mediaTypeOf is the type that a manifest says itself. The one that does not may be an image
// or an index: only the registry knows.
func mediaTypeOf(f *os.File) (string, error) {
	var m struct{ MediaType string }
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	if err := json.NewDecoder(f).Decode(&m); err != nil {
		return "", err
	}
	if m.MediaType == "" {
		return "", errors.New("a manifest without a media type")
	}
	return m.MediaType, nil
}

// keep is a body that is kept if all of it was read when it is closed, or at its end. That
// it cannot be kept is no error: the next build asks again.
func (k kept) keep(body io.ReadCloser) io.ReadCloser {
	dir := filepath.Dir(k.file)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return body
	}
	f, err := os.CreateTemp(dir, "tmp-")
	if err != nil {
		return body
	}
	return &keeping{ReadCloser: body, kept: k, f: f, read: sha256.New()}
}

// keeping is a body and its copy. A transport may close a body while it is read.
type keeping struct {
	io.ReadCloser
	kept

	mu   sync.Mutex
	f    *os.File
	read hash.Hash
	err  error // of the copy
	done bool
}

// Read is io.Reader's.
func (k *keeping) Read(p []byte) (int, error) {
	n, err := k.ReadCloser.Read(p)
	k.mu.Lock()
	if n > 0 && !k.done && k.err == nil {
		k.read.Write(p[:n])
		_, k.err = k.f.Write(p[:n])
	}
	k.mu.Unlock()
	if errors.Is(err, io.EOF) {
		k.finish()
	}
	return n, err
}

// Close is io.Closer's. Who knows the size may never have asked for the end.
func (k *keeping) Close() error {
	k.finish()
	return k.ReadCloser.Close()
}

// finish gives the copy its name if it is whole, which its sum says, and else removes it.
func (k *keeping) finish() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.done {
		return
	}
	k.done = true
	whole := k.err == nil && hex.EncodeToString(k.read.Sum(nil)) == k.sum
	if k.f.Close() != nil || !whole || os.Rename(k.f.Name(), k.file) != nil {
		_ = os.Remove(k.f.Name())
	}
}
