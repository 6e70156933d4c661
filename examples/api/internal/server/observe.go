package server

import (
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// observe counts, times and logs each request, by route and not by path: a path
// with an id in it would make a new time series for each note.
func (s *Server) observe(mux *http.ServeMux) http.Handler {
	durations := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "http_request_duration_seconds",
		Help:    "Time to answer a request.",
		Buckets: prometheus.DefBuckets,
	}, []string{"route", "status"})
	s.metrics.MustRegister(durations)

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, route := mux.Handler(r)
		if route == "" {
			route = "none"
		}
		start, rec := time.Now(), &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		mux.ServeHTTP(rec, r)
		took := time.Since(start)
		durations.WithLabelValues(route, strconv.Itoa(rec.status)).Observe(took.Seconds())
		s.Log.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("route", route),
			slog.String("path", r.URL.Path), slog.Int("status", rec.status), slog.Duration("took", took))
	})
}

// statusRecorder keeps the status that a handler writes.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader keeps the status and passes it on.
func (r *statusRecorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the writer below.
func (r *statusRecorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
