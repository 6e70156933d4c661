// Package money adds amounts of money without losing a cent.
package money

import (
	"fmt"

	"golang.org/x/text/currency"
)

// Amount is a sum of one currency in its smallest unit.
type Amount struct {
	Minor int64
	Unit  currency.Unit
}

// New is an amount of minor units of the ISO 4217 currency code.
func New(minor int64, code string) (Amount, error) {
	unit, err := currency.ParseISO(code)
	if err != nil {
		return Amount{}, fmt.Errorf("reading currency %q: %w", code, err)
	}
	return Amount{Minor: minor, Unit: unit}, nil
}

// Add is a + b; two currencies are an error.
func (a Amount) Add(b Amount) (Amount, error) {
	if a.Unit != b.Unit {
		return Amount{}, fmt.Errorf("adding %s to %s", b.Unit, a.Unit)
	}
	return Amount{Minor: a.Minor + b.Minor, Unit: a.Unit}, nil
}

// String is the amount with the decimals of its currency, such as "EUR 12.50".
func (a Amount) String() string {
	scale, _ := currency.Standard.Rounding(a.Unit)
	sign, minor := "", uint64(a.Minor)
	if a.Minor < 0 {
		sign, minor = "-", -minor
	}
	if scale == 0 {
		return fmt.Sprintf("%s %s%d", a.Unit, sign, minor)
	}
	pow := uint64(1)
	for range scale {
		pow *= 10
	}
	return fmt.Sprintf("%s %s%d.%0*d", a.Unit, sign, minor/pow, scale, minor%pow)
}
