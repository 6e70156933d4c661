//go:build nopprof

package server_test

import "testing"

func TestPprofIsOffWithTheTag(t *testing.T) {
	if code := do(t, newServer(t, nil), "GET", "/debug/pprof/", "").Code; code != 404 {
		t.Errorf("GET /debug/pprof/: %d", code)
	}
}
