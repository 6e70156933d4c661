//go:build !nopprof

package server

import (
	"net/http"
	"net/http/pprof"
)

func registerDebug(mux *http.ServeMux) {
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
}
