package llbgen

import (
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
)

// Places inside the vertex of the check.
const (
	checkedRoot = "/rootfs"
	reportDir   = "/report"
)

// CheckReport is where Check's output holds the report, if it was asked for.
const CheckReport = "report.json"

// Check is the vertex that looks at a final root file system: the program's own image is its
// root, so that it works for every architecture and for an image with nothing in it. The
// request is its argument. If told is set it does not fail, and its output is a report.
func (o Options) Check(p Program, image llb.State, request, name string, told bool) llb.State {
	argv := []string{p.Path, "check", checkedRoot, request}
	if told {
		argv = append(argv, reportDir+"/"+CheckReport)
	}
	opts := []llb.RunOption{
		llb.Args(argv), llb.Platform(p.Platform), llb.ReadonlyRootFS(),
		// What made the root is the key: to hash its content would take longer than the check.
		llb.AddMount(checkedRoot, image, llb.Readonly, llb.ContentCache(llb.MountContentCacheOff)),
	}
	run := p.Image.Dir("/").Network(pb.NetMode_NONE).Run(append(opts, o.named(name)...)...)
	return run.AddMount(reportDir, llb.Scratch())
}

// named is the name of a vertex, and what else all have.
func (o Options) named(name string) []llb.RunOption {
	return runOptions((&graph{Options: o}).shared(name))
}
