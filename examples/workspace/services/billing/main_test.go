package main

import (
	"strings"
	"testing"

	"example.com/workspace/libs/money"
)

func TestLine(t *testing.T) {
	amount, err := money.New(4200, "EUR")
	if err != nil {
		t.Fatal(err)
	}
	if got := line("support", amount); !strings.HasPrefix(got, "support") || !strings.HasSuffix(got, "EUR 42.00") {
		t.Errorf("line %q", got)
	}
}
