package server

import (
	"io"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"time"
)

func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	if !s.ready.Load() {
		writeJSON(w, http.StatusServiceUnavailable, problem{"draining"})
		return
	}
	w.WriteHeader(http.StatusOK)
}

// runtimeFacts says what the Go runtime works with, whoever asked for it.
func runtimeFacts(w http.ResponseWriter, _ *http.Request) {
	zone := "Europe/Berlin"
	if _, err := time.LoadLocation(zone); err != nil {
		zone = err.Error()
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"go":         runtime.Version(),
		"gomemlimit": debug.SetMemoryLimit(-1),
		"gomaxprocs": runtime.GOMAXPROCS(0),
		"uid":        os.Getuid(),
		"gid":        os.Getgid(),
		"zone":       zone,
	})
}

// outbound calls the URL and reports an error, such as one of crypto/x509, as it is.
func (s *Server) outbound(w http.ResponseWriter, r *http.Request) {
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, r.URL.Query().Get("url"), nil)
	if err != nil || req.URL.Scheme != "https" {
		writeJSON(w, http.StatusBadRequest, problem{"want ?url=https://…"})
		return
	}
	resp, err := s.Outbound.Do(req)
	if err != nil {
		writeJSON(w, http.StatusBadGateway, problem{err.Error()})
		return
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		writeJSON(w, http.StatusBadGateway, problem{err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"status": resp.StatusCode, "bytes": n})
}
