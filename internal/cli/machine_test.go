package cli

import (
	"testing"

	"github.com/containerd/platforms"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

func TestRuns(t *testing.T) {
	for _, test := range []struct {
		host, built string
		want        bool
	}{
		{"linux/amd64/v3", "linux/amd64", true},
		{"linux/amd64/v3", "linux/amd64/v1", true},
		{"linux/amd64/v3", "linux/amd64/v2", true},
		{"linux/amd64/v3", "linux/amd64/v3", true},
		{"linux/amd64/v3", "linux/amd64/v4", false},
		{"linux/amd64", "linux/amd64", true},
		{"linux/amd64", "linux/amd64/v2", false},
		{"linux/amd64/v3", "linux/386", false},
		{"linux/amd64/v3", "linux/arm64", false},
		{"linux/amd64/v3", "windows/amd64", false},
		{"linux/arm64", "linux/arm64/v8.2", true},
		{"linux/arm64", "linux/arm/v7", false},
		{"linux/arm/v6", "linux/arm/v7", false},
		{"linux/arm/v7", "linux/arm/v6", true},
		{"linux/riscv64", "linux/riscv64", true},
		{"darwin/arm64", "linux/arm64", false},
		{"darwin/arm64", "darwin/arm64", false},
		{"linux/amd64", "", false},
	} {
		if got := isRunnable(platforms.MustParse(test.host), test.built); got != test.want {
			t.Errorf("%s on %s: %t", test.built, test.host, got)
		}
	}
}

// The level of a binary is its own: build.levels leaves the image's platform as it is.
func TestNeeds(t *testing.T) {
	for _, test := range []struct{ platform, env, want string }{
		{"linux/amd64", "GOAMD64=v1", "linux/amd64"},
		{"linux/amd64", "GOAMD64=v3", "linux/amd64/v3"},
		{"linux/amd64/v2", "GOAMD64=v2", "linux/amd64/v2"},
		{"linux/arm64", "GOARM64=v8.2", "linux/arm64"},
	} {
		pl := plan.Plan{Platform: platforms.MustParse(test.platform), Compiles: []plan.Compile{{Env: []string{"CGO_ENABLED=0", test.env}}}}
		if got := platforms.Format(platforms.Normalize(needs(pl))); got != test.want {
			t.Errorf("%s with %s: %s", test.platform, test.env, got)
		}
	}
}
