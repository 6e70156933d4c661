package cli

import (
	"strings"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/cpu"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// machine is the platform of this host, with amd64's level, which containerd leaves out: it
// knows the variants of ARM alone.
func machine() ocispec.Platform {
	host := platforms.DefaultSpec()
	if host.Architecture == "amd64" {
		host.Variant = amd64Level()
	}
	return platforms.Normalize(host)
}

// amd64Level is the highest GOAMD64 whose features the processor and the kernel have.
// https://gitlab.com/x86-psABIs/x86-64-ABI, section "Micro-Architecture Levels"
func amd64Level() string {
	x := &cpu.X86
	v2 := x.HasCX16 && x.HasLAHF && x.HasPOPCNT && x.HasSSE3 && x.HasSSE41 && x.HasSSE42 && x.HasSSSE3
	v3 := v2 && x.HasAVX && x.HasAVX2 && x.HasBMI1 && x.HasBMI2 && x.HasF16C && x.HasFMA && x.HasLZCNT && x.HasMOVBE && x.HasOSXSAVE
	v4 := v3 && x.HasAVX512F && x.HasAVX512BW && x.HasAVX512CD && x.HasAVX512DQ && x.HasAVX512VL
	switch {
	case v4:
		return "v4"
	case v3:
		return "v3"
	case v2:
		return "v2"
	}
	return "v1"
}

// runs reports whether a host runs what was built for a platform. Another architecture is never
// run, although some processors could: no runtime here is asked to.
func runs(host, built ocispec.Platform) bool {
	host, built = platforms.Normalize(host), platforms.Normalize(built)
	if host.OS != built.OS || host.Architecture != built.Architecture {
		return false
	}
	// Of arm64, containerd takes every host for v8.0.
	return host.Architecture == "arm64" || platforms.Only(host).Match(built)
}

// isRunnable is runs for a platform as an image's report names it, and Linux.
func isRunnable(host ocispec.Platform, built string) bool {
	p, err := platforms.Parse(built)
	return err == nil && p.OS == "linux" && runs(host, p)
}

// needs is the platform that a plan's binaries need: build.levels raises it, and leaves the
// image's platform as it is.
func needs(pl plan.Plan) ocispec.Platform {
	p := pl.Platform
	for _, c := range pl.Compiles {
		for _, kv := range c.Env {
			if level, ok := strings.CutPrefix(kv, "GOAMD64="); ok && p.Architecture == "amd64" {
				p.Variant = level
			}
		}
	}
	return p
}
