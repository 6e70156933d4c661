// Command api serves notes over HTTP until it is told to stop.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"example.com/api/internal/server"
	"example.com/api/internal/store"
)

// Set at link time.
var version, revision, builtAt string

// drainTime is how long requests in flight may take after a signal to stop.
const drainTime = 10 * time.Second

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, log, os.Args[1:]); err != nil {
		log.Error("stopping", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, log *slog.Logger, args []string) error {
	flags := flag.NewFlagSet("api", flag.ContinueOnError)
	addr := flags.String("addr", ":8080", "the address to serve on")
	db := flags.String("db", "api.db", "the file that holds the notes")
	if err := flags.Parse(args); err != nil {
		return err
	}
	notes, err := store.Open(*db)
	if err != nil {
		return err
	}
	defer notes.Close()
	applied, err := notes.Migrate()
	if err != nil {
		return err
	}
	options := server.Options{
		Store: notes, Log: log, Share: os.Getenv("API_SHARE"),
		Version: server.Version{Version: cmp.Or(version, "devel"), Revision: revision, BuiltAt: builtAt},
	}
	if os.Getenv("API_OUTBOUND") == "on" {
		options.Outbound = &http.Client{Timeout: 5 * time.Second}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", *addr)
	if err != nil {
		return err
	}
	log.Info("serving", "addr", listener.Addr().String(), "version", options.Version.Version, "migrations", applied)
	return serve(ctx, log, listener, server.New(options))
}

// drainer is a handler that can say that it takes no more requests.
type drainer interface {
	http.Handler
	Drain()
}

// serve answers until ctx ends, then lets requests in flight finish.
func serve(ctx context.Context, log *slog.Logger, listener net.Listener, handler drainer) error {
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	log.Info("draining", "cause", context.Cause(ctx).Error())
	handler.Drain()
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := srv.Shutdown(deadline); err != nil {
		return fmt.Errorf("draining: %w", err)
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	log.Info("stopped")
	return nil
}
