package cacheprog_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/cacheprog"
)

func TestUnstamped(t *testing.T) {
	long := strings.Repeat("long", 100)
	for name, c := range map[string]struct {
		flags []string
		at    map[int]string // what of a flag stays before the placeholder; others stay whole
	}{
		"none":           {nil, nil},
		"no values":      {[]string{"-s", "-w", "-B=0x0123456789"}, nil},
		"short":          {[]string{"-X", "main.a=1234567", "-X=main.b="}, nil},
		"no assignment":  {[]string{"-X", "main.version"}, nil},
		"not of -X":      {[]string{"-B", "main.version=12345678"}, nil},
		"all forms":      {[]string{"-X", "main.a=12345678", "--X", "main.b=12345678", "-X=main.c=a=b=c=d=", "--X=main.d=two words"}, map[int]string{1: "main.a=", 3: "main.b=", 4: "-X=main.c=", 5: "--X=main.d="}},
		"long":           {[]string{"-X=a.b=" + long}, map[int]string{0: "-X=a.b="}},
		"the same again": {[]string{"-X=a.b=12345678", "-X=a.b=12345678"}, map[int]string{0: "-X=a.b=", 1: "-X=a.b="}},
	} {
		got := cacheprog.Unstamped("/dir", c.flags)
		seen := map[string]bool{}
		for i, flag := range c.flags {
			before, later := c.at[i]
			placeholder := got.Placeholders[i]
			switch {
			case !later && (got.Flags[i] != flag || placeholder != ""):
				t.Errorf("%s: %q became %q", name, flag, got.Flags[i])
			case later && (got.Flags[i] != before+placeholder || len(got.Flags[i]) != len(flag) || seen[placeholder]):
				t.Errorf("%s: of %q there is %q, %q", name, flag, got.Flags[i], placeholder)
			}
			seen[placeholder] = true
		}
		if len(got.Flags) != len(c.flags) || len(got.Placeholders) != len(c.flags) || got.Dir != "/dir" {
			t.Errorf("%s: %q", name, got)
		}
	}
	of := func(flag string) []string { return cacheprog.Unstamped("/dir", []string{"-X", flag}).Flags }
	if slices.Equal(of("main.a=12345678"), of("main.a=123456789")) {
		t.Error("another length has the same placeholder")
	}
	if a, b := of("main.a=12345678"), of("main.a=87654321"); !slices.Equal(a, b) {
		t.Errorf("another value has another placeholder: %q, %q", a, b)
	}
}
