// Package server is the HTTP side of the notes service: routes, page, metrics,
// request logs.
package server

import (
	"embed"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"example.com/api/internal/store"
)

//go:embed assets
var assets embed.FS

var page = template.Must(template.ParseFS(assets, "assets/index.html"))

// channel is the release channel, set at link time.
var channel = "unset"

// Version is what was built.
type Version struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	BuiltAt  string `json:"builtAt"`
	Channel  string `json:"channel"`
}

// Options are what a Server needs.
type Options struct {
	Store   *store.Store
	Log     *slog.Logger
	Version Version
	// Share is a directory served below /share/; empty for none.
	Share string
	// Outbound calls other servers for /outbound; nil turns the route off, since
	// it lets any caller reach whatever the service can.
	Outbound *http.Client
}

// Server answers requests.
type Server struct {
	Options
	ready   atomic.Bool
	metrics *prometheus.Registry
	handler http.Handler
}

// New makes a Server that is ready.
func New(o Options) *Server {
	s := &Server{Options: o, metrics: prometheus.NewRegistry()}
	s.Version.Channel = channel
	s.metrics.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	s.handler = s.observe(s.routes())
	s.ready.Store(true)
	return s
}

// Drain makes /readyz fail, so that load balancers look elsewhere while requests
// in flight end.
func (s *Server) Drain() { s.ready.Store(false) }

// ServeHTTP answers a request, counts it and logs it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

func (s *Server) routes() *http.ServeMux {
	static, err := fs.Sub(assets, "assets/static")
	if err != nil {
		panic(err) // the path is a constant of this package
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.index)
	mux.Handle("GET /static/", http.StripPrefix("/static/", http.FileServerFS(static)))
	mux.HandleFunc("GET /notes", s.listNotes)
	mux.HandleFunc("POST /notes", s.addNote)
	mux.HandleFunc("GET /notes/{id}", s.getNote)
	mux.HandleFunc("DELETE /notes/{id}", s.deleteNote)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, s.Version) })
	mux.HandleFunc("GET /runtime", runtimeFacts)
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics, promhttp.HandlerOpts{}))
	if s.Share != "" {
		mux.Handle("GET /share/", http.StripPrefix("/share/", http.FileServerFS(os.DirFS(s.Share))))
	}
	if s.Outbound != nil {
		mux.HandleFunc("GET /outbound", s.outbound)
	}
	registerDebug(mux)
	return mux
}
