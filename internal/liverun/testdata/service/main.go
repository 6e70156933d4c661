// Service is what the tests run: it does what its arguments say.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		time.Sleep(time.Hour)
	}
	switch os.Args[1] {
	case "exit": // exit CODE
		code, _ := strconv.Atoi(os.Args[2])
		fmt.Fprintln(os.Stderr, "that is all")
		os.Exit(code)
	case "eat": // eat MEBIBYTES, all of them touched
		n, _ := strconv.Atoi(os.Args[2])
		var kept [][]byte
		for range n {
			b := make([]byte, 1<<20)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			kept = append(kept, b)
		}
		time.Sleep(time.Hour)
		runtime.KeepAlive(kept)
	case "procs": // procs N, against what the environment and the cgroup say
		n, _ := strconv.Atoi(os.Args[2])
		runtime.GOMAXPROCS(n)
		time.Sleep(time.Hour)
	case "open": // open FILE: ends well if it cannot
		if f, err := os.Open(os.Args[2]); err == nil {
			fmt.Fprintln(os.Stderr, "opened "+f.Name())
			os.Exit(9)
		}
		os.Exit(0)
	case "listen": // listen ADDRESS: goes on if it can
		if _, err := net.Listen("tcp", os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(4)
		}
		time.Sleep(time.Hour)
	case "write": // write FILE: ends well if it can
		if err := os.WriteFile(os.Args[2], []byte("written"), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(5)
		}
	case "metrics": // metrics PORT
		_ = http.ListenAndServe("127.0.0.1:"+os.Args[2], http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, "# TYPE go_gc_gomemlimit_bytes gauge\ngo_gc_gomemlimit_bytes %d\n", debug.SetMemoryLimit(-1))
			fmt.Fprintf(w, "go_sched_gomaxprocs_threads %d\n", runtime.GOMAXPROCS(0))
		}))
	}
}
