package llbgen

import (
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
)

// rehearser is where the program is mounted in the image's root, a name that no image has.
const rehearser = "/.plimsoll-rehearsal"

// Limits are what a rehearsal's container gets.
type Limits struct {
	// Memory is in bytes, CPU in thousandths of a CPU; 0 for none.
	Memory, CPU int64
}

// cpuPeriod is the kernel's default, in microseconds.
const cpuPeriod = 100_000

// Rehearsal is the vertex in which the program starts the image's service, in its own root
// and without a network. The request is its argument and must name the limits: BuildKit
// leaves them out of the key of a vertex.
func (o Options) Rehearsal(p Program, image llb.State, request string, limits Limits, name string, about ...llb.ConstraintsOpt) llb.State {
	opts := []llb.RunOption{
		llb.Args([]string{rehearser, "rehearse", request}), llb.Platform(p.Platform),
		llb.AddMount(rehearser, p.Image, llb.SourcePath(p.Path), llb.Readonly, llb.ContentCache(llb.MountContentCacheOff)),
	}
	if limits.Memory > 0 {
		opts = append(opts, llb.MemoryLimit(limits.Memory))
	}
	if limits.CPU > 0 {
		opts = append(opts, llb.CPUPeriod(cpuPeriod), llb.CPUQuota(limits.CPU*cpuPeriod/1000))
	}
	opts = append(opts, runOptions(about)...)
	// The program becomes the image's user when it starts the service.
	run := image.Dir("/").User("0:0").Network(pb.NetMode_NONE).Run(append(opts, o.named(name)...)...)
	// What the service writes is thrown away: this output is empty.
	return run.AddMount(reportDir, llb.Scratch())
}
