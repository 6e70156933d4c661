// Command hello says what it sees of its own tuning: once (-once), or over HTTP.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"time"
)

func main() {
	once := flag.Bool("once", false, "print the line and exit")
	addr := flag.String("addr", ":8080", "the address to serve on")
	flag.Parse()
	if *once {
		if err := writeTuning(os.Stdout); err != nil {
			log.Fatal(err)
		}
		return
	}
	server := &http.Server{Addr: *addr, Handler: handler(), ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if err := writeTuning(w); err != nil {
			log.Print(err)
		}
	})
	return mux
}

// writeTuning writes one line: what the runtime works with, not what was asked for.
func writeTuning(w io.Writer) error {
	zone := "Europe/Berlin"
	if _, err := time.LoadLocation(zone); err != nil {
		zone = err.Error()
	}
	_, err := fmt.Fprintf(w, "hello gomemlimit=%d gomaxprocs=%d uid=%d gid=%d zone=%q %s %s/%s\n",
		debug.SetMemoryLimit(-1), runtime.GOMAXPROCS(0), os.Getuid(), os.Getgid(), zone,
		runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
