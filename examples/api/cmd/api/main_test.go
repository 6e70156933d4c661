package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/api/internal/server"
	"example.com/api/internal/store"
)

// A request in flight when the signal comes is answered; one after it is not.
func TestServeDrains(t *testing.T) {
	notes, err := store.Open(filepath.Join(t.TempDir(), "api.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer notes.Close()
	if _, err := notes.Migrate(); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	handler := &announcing{Server: server.New(server.Options{Store: notes, Log: log}), entered: make(chan struct{})}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- serve(ctx, log, listener, handler) }()

	body, answer := io.Pipe()
	status := make(chan int, 1)
	go func() { status <- post(t, "http://"+listener.Addr().String()+"/notes", body) }()
	if _, err := io.WriteString(answer, `{"text": `); err != nil {
		t.Fatal(err)
	}
	<-handler.entered
	stop()
	for portAnswers(t, listener.Addr().String()) {
		time.Sleep(time.Millisecond)
	}
	if _, err := io.WriteString(answer, `"late"}`); err != nil {
		t.Fatal(err)
	}
	answer.Close()
	if got := <-status; got != http.StatusCreated {
		t.Errorf("the request in flight got %d", got)
	}
	if err := <-done; err != nil {
		t.Errorf("serve: %v", err)
	}
}

// announcing closes entered when the first request is in its hands.
type announcing struct {
	*server.Server
	entered chan struct{}
	once    sync.Once
}

func (a *announcing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.once.Do(func() { close(a.entered) })
	a.Server.ServeHTTP(w, r)
}

func portAnswers(t *testing.T, addr string) bool {
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err == nil {
		conn.Close()
	}
	return err == nil
}

func post(t *testing.T, url string, body io.Reader) int {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	if err != nil {
		t.Error(err)
		return 0
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func TestRunEndsWithoutASignalOnlyOnErrors(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	dir := t.TempDir()
	for _, args := range [][]string{
		{"-unknown"},
		{"-db", filepath.Join(dir, "absent", "api.db")},
		{"-db", filepath.Join(dir, "api.db"), "-addr", "256.0.0.1:1"},
	} {
		if err := run(t.Context(), log, args); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
	ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	var lines strings.Builder
	log = slog.New(slog.NewJSONHandler(&lines, nil))
	if err := run(ctx, log, []string{"-db", filepath.Join(dir, "api.db"), "-addr", "127.0.0.1:0"}); err != nil {
		t.Errorf("stopped by its context: %v", err)
	}
	for _, want := range []string{`"msg":"serving"`, `"msg":"draining"`, `"msg":"stopped"`} {
		if !strings.Contains(lines.String(), want) {
			t.Errorf("log lacks %s:\n%s", want, lines.String())
		}
	}
}
