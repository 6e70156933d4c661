//go:build !nopprof

package server_test

import "testing"

func TestPprofIsThereWithoutTheTag(t *testing.T) {
	if code := do(t, newServer(t, nil), "GET", "/debug/pprof/", "").Code; code != 200 {
		t.Errorf("GET /debug/pprof/: %d", code)
	}
}
