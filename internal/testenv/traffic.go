package testenv

import (
	"io"
	"net/http"
	"sync/atomic"
)

// Traffic counts the bodies that an HTTP server sends and takes, in bytes.
type Traffic struct{ pulled, pushed atomic.Int64 }

// Pulled is what clients took, in bytes.
func (t *Traffic) Pulled() int64 { return t.pulled.Load() }

// Pushed is what clients sent, in bytes.
func (t *Traffic) Pushed() int64 { return t.pushed.Load() }

// Count serves next and counts.
func (t *Traffic) Count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		req.Body = &countedBody{req.Body, &t.pushed}
		next.ServeHTTP(&countedWriter{w, &t.pulled}, req)
	})
}

type countedBody struct {
	io.ReadCloser
	n *atomic.Int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n.Add(int64(n))
	return n, err
}

type countedWriter struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (w *countedWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.n.Add(int64(n))
	return n, err
}

// ReadFrom keeps the server's way of sending a file without copying it.
func (w *countedWriter) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(w.ResponseWriter, r)
	w.n.Add(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (w *countedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
