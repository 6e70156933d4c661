package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"strings"
	"testing"
)

func TestLineSaysTheEffectiveLimit(t *testing.T) {
	old := debug.SetMemoryLimit(300 << 20)
	t.Cleanup(func() { debug.SetMemoryLimit(old) })
	var b strings.Builder
	if err := writeTuning(&b); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("gomemlimit=%d ", 300<<20)
	if got := b.String(); !strings.Contains(got, want) || strings.Count(got, "\n") != 1 {
		t.Errorf("line %q lacks %q or is not one line", got, want)
	}
}

func TestHandler(t *testing.T) {
	for path, want := range map[string]int{"/": http.StatusOK, "/other": http.StatusNotFound} {
		rec := httptest.NewRecorder()
		handler().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if rec.Code != want {
			t.Errorf("GET %s: %d, want %d", path, rec.Code, want)
		}
	}
}
