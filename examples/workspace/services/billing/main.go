// Command billing writes an invoice line. It shares the workspace with orders,
// which does not need it: a change here must not rebuild orders.
package main

import (
	"fmt"
	"log"
	"os"

	"example.com/workspace/libs/money"
)

func main() {
	amount, err := money.New(4200, "EUR")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintln(os.Stdout, line("support", amount))
}

func line(what string, amount money.Amount) string {
	return fmt.Sprintf("%-20s %s", what, amount)
}
