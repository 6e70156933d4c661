package server_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/api/internal/server"
	"example.com/api/internal/store"
)

func newServer(t *testing.T, edit func(*server.Options)) *server.Server {
	t.Helper()
	notes, err := store.Open(filepath.Join(t.TempDir(), "api.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { notes.Close() })
	if _, err := notes.Migrate(); err != nil {
		t.Fatal(err)
	}
	o := server.Options{Store: notes, Log: slog.New(slog.DiscardHandler), Version: server.Version{Version: "v1.2.3"}}
	if edit != nil {
		edit(&o)
	}
	return server.New(o)
}

func do(t *testing.T, h http.Handler, method, target, body string) *httptest.ResponseRecorder {
	t.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body)))
	return rec
}

func TestRoutes(t *testing.T) {
	share := t.TempDir()
	if err := os.WriteFile(filepath.Join(share, "a.txt"), []byte("shared"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newServer(t, func(o *server.Options) { o.Share = share })
	tests := []struct {
		method, target, body string
		status               int
		contains             string
	}{
		{"GET", "/", "", 200, "survive a restart"},
		{"GET", "/static/notes.css", "", 200, "font-family"},
		{"GET", "/share/a.txt", "", 200, "shared"},
		{"GET", "/share/../../etc/passwd", "", 307, ""},
		{"GET", "/version", "", 200, `"v1.2.3"`},
		{"GET", "/healthz", "", 200, ""},
		{"POST", "/notes", `{"text": "second"}`, 201, `"id":2`},
		{"GET", "/notes/2", "", 200, "second"},
		{"DELETE", "/notes/2", "", 204, ""},
		{"GET", "/notes/2", "", 404, "no such note"},
		{"DELETE", "/notes/2", "", 404, "no such note"},
		{"GET", "/notes/x", "", 404, "no such note"},
		{"DELETE", "/notes/x", "", 404, "no such note"},
		{"GET", "/notes", "", 200, `[{"id":1`},
		{"POST", "/notes", `{"text": "  "}`, 400, "want"},
		{"POST", "/notes", `{"txt": "x"}`, 400, "want"},
		{"POST", "/notes", `{"text": "` + strings.Repeat("x", 70<<10) + `"}`, 400, "want"},
		{"PUT", "/notes", "", 405, ""},
		{"GET", "/outbound?url=https://localhost", "", 404, ""},
	}
	for _, tc := range tests {
		rec := do(t, s, tc.method, tc.target, tc.body)
		if rec.Code != tc.status || !strings.Contains(rec.Body.String(), tc.contains) {
			t.Errorf("%s %s: %d %q, want %d with %q", tc.method, tc.target, rec.Code, rec.Body, tc.status, tc.contains)
		}
	}
}

func TestMarkupInANoteIsText(t *testing.T) {
	s := newServer(t, nil)
	do(t, s, "POST", "/notes", `{"text": "<script>alert(1)</script>"}`)
	if body := do(t, s, "GET", "/", "").Body.String(); strings.Contains(body, "<script>") {
		t.Errorf("the page runs a note's script: %s", body)
	}
}

func TestDrainTurnsReadinessOff(t *testing.T) {
	s := newServer(t, nil)
	if code := do(t, s, "GET", "/readyz", "").Code; code != 200 {
		t.Errorf("ready: %d", code)
	}
	s.Drain()
	if code := do(t, s, "GET", "/readyz", "").Code; code != 503 {
		t.Errorf("draining: %d", code)
	}
}

func TestMetricsCountByRoute(t *testing.T) {
	s := newServer(t, nil)
	do(t, s, "GET", "/notes/1", "")
	do(t, s, "GET", "/notes/99", "")
	do(t, s, "GET", "/nowhere", "")
	body := do(t, s, "GET", "/metrics", "").Body.String()
	for _, want := range []string{
		`http_request_duration_seconds_count{route="GET /notes/{id}",status="200"} 1`,
		`http_request_duration_seconds_count{route="GET /notes/{id}",status="404"} 1`,
		`http_request_duration_seconds_count{route="none",status="404"} 1`,
		"go_gc_gomemlimit_bytes ",
		"go_sched_gomaxprocs_threads ",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
}

func TestRequestsAreLoggedAsJSON(t *testing.T) {
	var log strings.Builder
	s := newServer(t, func(o *server.Options) { o.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
	do(t, s, "GET", "/notes/1", "")
	var line struct {
		Route, Path string
		Status      int
	}
	if err := json.NewDecoder(strings.NewReader(log.String())).Decode(&line); err != nil {
		t.Fatalf("log %q: %v", log.String(), err)
	}
	if line.Route != "GET /notes/{id}" || line.Path != "/notes/1" || line.Status != 200 {
		t.Errorf("log line %+v", line)
	}
}

func TestRuntimeFacts(t *testing.T) {
	rec := do(t, newServer(t, nil), "GET", "/runtime", "")
	var facts struct {
		Gomemlimit int64
		Gomaxprocs int
		Zone       string
	}
	data, _ := io.ReadAll(rec.Body)
	if err := json.Unmarshal(data, &facts); err != nil || facts.Gomemlimit <= 0 || facts.Gomaxprocs < 1 || facts.Zone == "" {
		t.Errorf("runtime facts %s: %v", data, err)
	}
}
