package cli

import (
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/liverun"
	"github.com/plimsoll-build/plimsoll/internal/plan"
)

func TestKilled(t *testing.T) {
	small, limited := &liverun.Process{Peak: 1 << 20}, plan.Rehearsal{MemoryMax: 64 << 20}
	for _, test := range []struct {
		name string
		seen liverun.Observation
		r    plan.Rehearsal
		want bool
	}{
		{name: "counted", seen: liverun.Observation{Exit: 137, Process: &liverun.Process{Kills: 1}}, want: true},
		{name: "between two looks", seen: liverun.Observation{Exit: 137, Process: small}, r: limited, want: true},
		{name: "before the first look", seen: liverun.Observation{Exit: 137}, r: limited, want: true},
		{name: "without a limit", seen: liverun.Observation{Exit: 137, Process: small}},
		{name: "another end", seen: liverun.Observation{Exit: 2, Process: small}, r: limited},
		{name: "alive", seen: liverun.Observation{Lived: true, Process: small}, r: limited},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := killed(test.seen, test.r); got != test.want {
				t.Error(got)
			}
		})
	}
}
