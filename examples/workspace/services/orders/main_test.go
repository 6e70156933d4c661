package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTotal(t *testing.T) {
	for _, tc := range []struct{ items, want string }{
		{"EUR 1250 99", "EUR 13.49"},
		{"EUR", "EUR 0.00"},
		{"", ""},
		{"EURO 1", ""},
		{"EUR one", ""},
	} {
		sum, err := total(strings.Fields(tc.items))
		if (err != nil) != (tc.want == "") || (err == nil && sum.String() != tc.want) {
			t.Errorf("%q: %v, %v, want %q", tc.items, sum, err, tc.want)
		}
	}
}

func TestHandler(t *testing.T) {
	for target, want := range map[string]int{"/total?v=EUR&v=1": 200, "/total": 400, "/": 404} {
		rec := httptest.NewRecorder()
		handler().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
		if rec.Code != want {
			t.Errorf("GET %s: %d, want %d", target, rec.Code, want)
		}
	}
}
