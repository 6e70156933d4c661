// Command orders adds up an order, once (-once) or for each request.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"

	"example.com/workspace/libs/money"
)

func main() {
	once := flag.Bool("once", false, "add up the arguments and exit: CURRENCY MINOR…")
	addr := flag.String("addr", ":8080", "the address to serve on")
	flag.Parse()
	if *once {
		sum, err := total(flag.Args())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Fprintln(os.Stdout, sum)
		return
	}
	server := &http.Server{Addr: *addr, Handler: handler(), ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /total", func(w http.ResponseWriter, r *http.Request) {
		sum, err := total(r.URL.Query()["v"])
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprintln(w, sum)
	})
	return mux
}

// total adds up items of minor units; the first of values is their currency.
func total(values []string) (money.Amount, error) {
	if len(values) == 0 {
		return money.Amount{}, errors.New("want a currency and items, such as EUR 1250 99")
	}
	sum, err := money.New(0, values[0])
	if err != nil {
		return money.Amount{}, err
	}
	for _, value := range values[1:] {
		minor, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return money.Amount{}, fmt.Errorf("reading item: %w", err)
		}
		if sum, err = sum.Add(money.Amount{Minor: minor, Unit: sum.Unit}); err != nil {
			return money.Amount{}, err
		}
	}
	return sum, nil
}
