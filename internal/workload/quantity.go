package workload

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

var (
	errQuantity = errors.New("not a quantity")
	errShare    = errors.New("a share of the machine's memory, which is not known here: write a size")
)

// binary and decimal suffixes as powers, shared by the grammars.
var (
	kubernetesSuffixes = map[string]*big.Rat{
		"n": ratio(1, 1_000_000_000), "u": ratio(1, 1_000_000), "m": ratio(1, 1000), "": ratio(1, 1),
		"k": ratio(1e3, 1), "M": ratio(1e6, 1), "G": ratio(1e9, 1), "T": ratio(1e12, 1), "P": ratio(1e15, 1), "E": ratio(1e18, 1),
		"Ki": ratio(1<<10, 1), "Mi": ratio(1<<20, 1), "Gi": ratio(1<<30, 1), "Ti": ratio(1<<40, 1), "Pi": ratio(1<<50, 1), "Ei": ratio(1<<60, 1),
	}
	ramSuffixes = map[string]*big.Rat{"": ratio(1, 1), "k": ratio(1<<10, 1), "m": ratio(1<<20, 1), "g": ratio(1<<30, 1), "t": ratio(1<<40, 1), "p": ratio(1<<50, 1)}
)

func ratio(a, b int64) *big.Rat { return big.NewRat(a, b) }

// number is a decimal number with an optional fraction; big.Rat alone would take
// fractions, underscores and exponents of any size.
func number(s string) (*big.Rat, error) {
	if s == "" || len(s) > 40 || strings.Trim(s, "0123456789.") != "" || strings.Count(s, ".") > 1 || s == "." {
		return nil, errQuantity
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return nil, errQuantity
	}
	return r, nil
}

// scaled is the value times a factor, rounded up to a whole number as Kubernetes does.
func scaled(r *big.Rat, factor int64) (int64, error) {
	r = new(big.Rat).Mul(r, ratio(factor, 1))
	q, m := new(big.Int).DivMod(r.Num(), r.Denom(), new(big.Int))
	if m.Sign() > 0 {
		q.Add(q, big.NewInt(1))
	}
	if !q.IsInt64() {
		return 0, errors.New("too large")
	}
	return q.Int64(), nil
}

// Quantity reads a Kubernetes quantity (k8s.io/apimachinery, resource.Quantity) times a
// factor: 1 for bytes, 1000 for thousandths of a CPU.
func Quantity(s string, factor int64) (int64, error) {
	digits := strings.TrimPrefix(s, "+")
	n := strings.IndexFunc(digits, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	suffix := ""
	if n >= 0 {
		digits, suffix = digits[:n], digits[n:]
	}
	value, err := number(digits)
	if err != nil {
		return 0, fmt.Errorf("%q: %w such as 512Mi or 500m", s, err)
	}
	if unit, ok := kubernetesSuffixes[suffix]; ok {
		return scaled(value.Mul(value, unit), factor)
	}
	exponent, err := strconv.Atoi(strings.TrimLeft(suffix, "eE"))
	if err != nil || len(strings.TrimLeft(suffix, "eE")) != len(suffix)-1 || exponent < -18 || exponent > 18 {
		return 0, fmt.Errorf("%q: %w such as 512Mi or 500m", s, errQuantity)
	}
	power := ratio(1, 1)
	for range max(exponent, -exponent) {
		power.Mul(power, ratio(10, 1))
	}
	if exponent < 0 {
		power.Inv(power)
	}
	return scaled(value.Mul(value, power), factor)
}

// RAM reads a size as Docker and Compose do (go-units, RAMInBytes): k, m, g are 1024s,
// with or without b or ib.
func RAM(s string) (int64, error) {
	text := strings.ToLower(strings.TrimSpace(s))
	digits := strings.TrimRight(text, "bikmgtp ")
	suffix := strings.TrimSpace(text[len(digits):])
	if suffix != "b" {
		suffix = strings.TrimSuffix(strings.TrimSuffix(suffix, "b"), "i")
	} else {
		suffix = ""
	}
	value, err := number(digits)
	unit, ok := ramSuffixes[suffix]
	if err != nil || !ok {
		return 0, fmt.Errorf("%q: not a size such as 512m or 1g", s)
	}
	return scaled(value.Mul(value, unit), 1)
}

// unitSize reads a size as systemd does: K, M, G, T are 1024s. "infinity" is no limit,
// and a percentage is of a machine that is not known here.
func unitSize(s string) (size int64, limited bool, err error) {
	if s == "" || s == "infinity" {
		return 0, false, nil
	}
	if strings.HasSuffix(s, "%") {
		return 0, true, errShare
	}
	digits := strings.TrimRight(s, "KMGTPB")
	suffix := strings.ToLower(strings.TrimSuffix(s[len(digits):], "B"))
	value, err := number(digits)
	unit, ok := ramSuffixes[suffix]
	if err != nil || !ok {
		return 0, true, fmt.Errorf("%q: not a size such as 512M", s)
	}
	size, err = scaled(value.Mul(value, unit), 1)
	return size, true, err
}

// cores reads a decimal number of CPUs as thousandths.
func cores(s string) (int64, error) {
	value, err := number(strings.TrimSpace(s))
	if err != nil {
		return 0, fmt.Errorf("%q: not a number of CPUs such as 0.5", s)
	}
	return scaled(value, 1000)
}
