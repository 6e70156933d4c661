package tuning

import "testing"

func TestMemLimit(t *testing.T) {
	tests := []struct {
		name    string
		m       Memory
		want    int64
		warning bool
		err     bool
	}{
		{name: "nothing declared"},
		{name: "max and the default headroom", m: Memory{Max: 512 * MiB, Headroom: 10}, want: 483183820},
		{name: "high at 0.9 of max, as MemoryQoS sets it, decides", m: Memory{Max: 512 * MiB, High: 460 * MiB, Headroom: 10}, want: 458227712},
		{name: "a high close to max does not", m: Memory{Max: 512 * MiB, High: 512 * MiB, Headroom: 10}, want: 483183820},
		{name: "high alone", m: Memory{High: 200 * MiB, Headroom: 10}, want: 190 * MiB},
		{name: "what is not Go's is left out", m: Memory{Max: 512 * MiB, NonGo: 100 * MiB, Headroom: 10}, want: 483183820 - 100*MiB},
		{name: "64 MiB is enough", m: Memory{High: 67371000, NonGo: 0}, warning: true},
		{name: "under 64 MiB none is set", m: Memory{Max: 70 * MiB, Headroom: 10}, warning: true},
		{name: "under half of it is doubtful", m: Memory{Max: GiB, NonGo: 500 * MiB, Headroom: 10}, want: percent(GiB, 90) - 500*MiB, warning: true},
		{name: "no headroom at all", m: Memory{Max: 512 * MiB}, err: true},
		{name: "no headroom, but something that is not Go's", m: Memory{Max: 512 * MiB, NonGo: MiB}, want: 511 * MiB},
		{name: "nothing left", m: Memory{Max: 128 * MiB, NonGo: 128 * MiB, Headroom: 10}, err: true},
		{name: "high above max", m: Memory{Max: 128 * MiB, High: 256 * MiB, Headroom: 10}, err: true},
		{name: "no overflow", m: Memory{Max: Unlimited, Headroom: 10}, want: 8301034833169298226},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := MemLimit(tt.m)
			if (err != nil) != tt.err || got.Bytes != tt.want || (got.Warning != "") != tt.warning {
				t.Errorf("MemLimit(%+v) = %+v, %v", tt.m, got, err)
			}
		})
	}
}

func TestMemLimitStaysBelowWhatTheKernelActsOn(t *testing.T) {
	for max := 64 * MiB; max < 8*GiB; max += 37 * MiB {
		for _, high := range []int64{0, max / 2, percent(max, 90), max} {
			got, err := MemLimit(Memory{Max: max, High: high, Headroom: DefaultHeadroom})
			if err != nil || got.Bytes >= max || (high > 0 && got.Bytes >= high) {
				t.Fatalf("max %d, high %d: %+v, %v", max, high, got, err)
			}
		}
	}
}
