package cacheprog_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll-build/plimsoll/internal/cacheprog"
)

func TestUnstamped(t *testing.T) {
	for name, c := range map[string]struct {
		flags []string
		later map[int]string // the flags that are cut, and what stays of them
	}{
		"none":           {nil, nil},
		"no values":      {[]string{"-s", "-w", "-B=0x0123456789"}, nil},
		"short":          {[]string{"-X", "main.a=1234", "-X=main.b="}, nil},
		"no assignment":  {[]string{"-X", "main.version"}, nil},
		"not of -X":      {[]string{"-B", "main.version=12345678"}, nil},
		"runtime's":      {[]string{"-X=runtime.buildVersion=go1.99.9", "-X=runtime.modinfo=12345678"}, nil},
		"all forms":      {[]string{"-X", "main.a=1.2.3", "--X", "main.b=12345678", "-X=main.c=a=b=c=d=", "--X=main.d=two words"}, map[int]string{1: "main.a=", 3: "main.b=", 4: "-X=main.c=", 5: "--X=main.d="}},
		"the same again": {[]string{"-X=a.b=12345678", "-X=a.b=12345678"}, map[int]string{0: "-X=a.b=", 1: "-X=a.b="}},
	} {
		want := cacheprog.Binary{Dir: "/dir", Flags: slices.Clone(c.flags), Later: make([]int, len(c.flags))}
		for i, flag := range c.later {
			want.Flags[i], want.Later[i] = flag, len(c.flags[i])-len(flag)
		}
		if diff := cmp.Diff(want, cacheprog.Unstamped("/dir", c.flags)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
