package spec

import "testing"

func TestNearest(t *testing.T) {
	keys := []string{"main", "binaries", "go", "image", "args", "tags", "ldflags", "memory", "headroom", "gomaxprocs"}
	for word, want := range map[string]string{
		"mian":       "main",     // two neighbours swapped
		"tag":        "tags",     // one left out
		"headrooom":  "headroom", // one too many
		"ldflegs":    "ldflags",  // one replaced
		"GoMaxProcs": "gomaxprocs",
		"memroy":     "memory",
		"binary":     "", // three edits of six letters
		"frobnicate": "",
		"xx":         "", // nothing of go is left
		"":           "",
	} {
		if got := nearest(word, keys); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestEdits(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abc", "abd", 1}, {"abc", "xabc", 1}, {"kitten", "sitting", 3}} {
		if got := edits(tt.a, tt.b); got != tt.want {
			t.Errorf("edits(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

// TestLevels: every value that cmd/go documents is taken.
func TestLevels(t *testing.T) {
	for arch, values := range map[string][]string{
		"amd64":   {"v1", "v2", "v3", "v4"},
		"arm64":   {"v8.0", "v8.9", "v9.0", "v9.5", "v8.1,lse", "v8.0,crypto", "v9.2,lse,crypto", "v9.2,crypto,lse"},
		"arm":     {"5", "6", "7", "7,softfloat", "6,hardfloat"},
		"386":     {"sse2", "softfloat"},
		"ppc64le": {"power8", "power9", "power10"},
		"riscv64": {"rva20u64", "rva22u64", "rva23u64"},
		"mips":    {"hardfloat", "softfloat"},
	} {
		for _, v := range values {
			doc := mustParse(t, header+"build: {levels: {\""+arch+"\": \""+v+"\"}}\n")
			if doc.Service.Build.Levels[arch] != v {
				t.Errorf("%s: %v", arch, doc.Service.Build.Levels)
			}
		}
	}
}
