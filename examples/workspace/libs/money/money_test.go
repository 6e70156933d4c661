package money_test

import (
	"math"
	"testing"

	"example.com/workspace/libs/money"
)

func TestString(t *testing.T) {
	for _, tc := range []struct {
		minor      int64
		code, want string
	}{
		{1250, "EUR", "EUR 12.50"},
		{-5, "EUR", "EUR -0.05"},
		{1250, "JPY", "JPY 1250"},
		{1250, "KWD", "KWD 1.250"},
		{math.MinInt64, "EUR", "EUR -92233720368547758.08"},
	} {
		amount, err := money.New(tc.minor, tc.code)
		if err != nil || amount.String() != tc.want {
			t.Errorf("%d %s: %s, %v, want %s", tc.minor, tc.code, amount, err, tc.want)
		}
	}
}

func TestErrors(t *testing.T) {
	if _, err := money.New(1, "EURO"); err == nil {
		t.Error("an unknown currency is no error")
	}
	eur, _ := money.New(1, "EUR")
	usd, _ := money.New(1, "USD")
	if _, err := eur.Add(usd); err == nil {
		t.Error("two currencies add up")
	}
	if sum, err := eur.Add(eur); err != nil || sum.Minor != 2 {
		t.Errorf("1 + 1 = %v, %v", sum, err)
	}
}
