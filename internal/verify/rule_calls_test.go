package verify_test

import (
	"strings"
	"testing"
)

// Findings name the function, the runtime's function and the offset; what no label
// speaks of is shown in the reason.
func TestCallEvidence(t *testing.T) {
	for _, tc := range []struct{ program, rule, want string }{
		{"own gomaxprocs", "maxprocs", "main.init.0 calls runtime.GOMAXPROCS(2), at offset 0x"},
		{"automaxprocs", "maxprocs", "go.uber.org/automaxprocs/maxprocs.Set calls runtime.GOMAXPROCS(2), at offset 0x"},
		{"automemlimit", "memlimit", "github.com/KimMachineGun/automemlimit/memlimit.Set calls runtime/debug.SetMemoryLimit and may set it, at offset 0x"},
		{"own limit", "memlimit", "main.init.0 calls runtime/debug.SetMemoryLimit(1073741824), at offset 0x"},
		{"experiment", "variant", "GOEXPERIMENT=jsonv2"},
		{"experiment", "variant", "-tags=netgo"},
		{"oci cgroups", "cgroup-libs", "github.com/opencontainers/cgroups"},
	} {
		t.Run(tc.rule+"/"+tc.program, func(t *testing.T) {
			d := goodDraft(t)
			binary(tc.program)(t, d)
			res := result(judge(t, d.image(t)), tc.rule)
			said := []string{res.Reason}
			for _, f := range res.Findings {
				said = append(said, f.Got)
			}
			if !strings.Contains(strings.Join(said, "\n"), tc.want) {
				t.Errorf("%q says nothing of %q", said, tc.want)
			}
		})
	}
}
