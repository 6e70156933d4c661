//go:build nopprof

package server

import "net/http"

// registerDebug does nothing: the release is built with the tag nopprof.
func registerDebug(*http.ServeMux) {}
