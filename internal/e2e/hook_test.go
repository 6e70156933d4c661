package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/testenv"
)

// TestHookInAContainer starts an image with memlimit: auto under real limits: what its
// start-up hook says is 90 % of the container's limit, not of the 128 MiB of its spec, and an
// operator's GOMEMLIMIT stays.
func TestHookInAContainer(t *testing.T) {
	b := bed(t)
	context := filepath.Join(exampleDir, "workspace")
	layout := embeddedLayout(t, b, "-f", filepath.Join(context, "services/orders/plimsoll.yaml"), context)
	for _, c := range []struct {
		name   string
		memory int64
		env    []string
		says   string
	}{
		{"a limit", 200 << 20, nil, fmt.Sprint(" GOMEMLIMIT ", 180<<20, "\n")},
		{"another limit", 300 << 20, nil, fmt.Sprint(" GOMEMLIMIT ", 270<<20, "\n")},
		{"too little for one", 70 << 20, nil, "leaves under 64MiB"},
		{"the operator's", 200 << 20, []string{"GOMEMLIMIT=100MiB"}, "GOMEMLIMIT=100MiB is set"},
		{"off by the operator", 200 << 20, []string{"GOMEMLIMIT=off"}, "GOMEMLIMIT=off is set"},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := []string{"-once", "EUR", "1250", "99"}
			res := testenv.RunImage(t, layout, testenv.RunOptions{Args: args, Memory: c.memory, Env: append(c.env, "PLIMSOLL_DEBUG=1")})
			if res.ExitCode != 0 || !strings.Contains(res.Stdout, "13.49") || strings.Count(res.Stderr, "\n") != 1 {
				t.Errorf("exit code %d: %s%s", res.ExitCode, res.Stdout, res.Stderr)
			}
			has(t, "the hook's line", res.Stderr, c.says)
		})
	}
	silent := testenv.RunImage(t, layout, testenv.RunOptions{Args: []string{"-once", "EUR", "1"}, Memory: 200 << 20})
	if silent.ExitCode != 0 || silent.Stderr != "" {
		t.Errorf("exit code %d; unasked, it says %q", silent.ExitCode, silent.Stderr)
	}
}
