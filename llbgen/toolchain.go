package llbgen

import (
	"maps"
	"slices"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/plimsoll-build/plimsoll/internal/cacheprog"
)

// unread are the parts of a toolchain that compiling and linking never read. Half of it
// need not be unpacked on a new machine then.
var unread = []string{
	"api", "doc", "misc", "test", "bin/gofmt", "lib/wasm", "src/cmd", "src/**/testdata", "src/**/*_test.go",
	"pkg/tool/*/cgo", "pkg/tool/*/cover", "pkg/tool/*/fix", "pkg/tool/*/vet",
}

// goRoot is a root file system that can compile: of an official image just the toolchain,
// which is static; else all of the image.
func (g *graph) goRoot() llb.State {
	if g.GoRoot == "" {
		return llb.NewState(g.Toolchain.Output())
	}
	return llb.Scratch().File(llb.Copy(llb.NewState(g.Toolchain.Output()), g.GoRoot, g.GoRoot, &llb.CopyInfo{
		CopyDirContentsOnly: true,
		CreateDestPath:      true,
		ExcludePatterns:     unread,
		CreatedTime:         &sourceTime,
	}), g.shared("take what compiling reads of go"+g.plan.Go)...)
}

// builtProgram is a program and the standard packages that were compiled for it.
type builtProgram struct{ program, packages llb.State }

// cacheProgram is the program that serves Go's build cache (see
// internal/cacheprog). It is compiled here, from source that is part of the definition: a
// program of ours would make every release of ours compile everything again.
func (g *graph) cacheProgram() builtProgram {
	source := llb.Scratch()
	files := cacheprog.Files()
	var action *llb.FileAction
	for _, name := range slices.Sorted(maps.Keys(files)) {
		made := llb.WithCreatedTime(sourceTime)
		if action == nil {
			action = llb.Mkfile("/"+name, 0o644, files[name], made)
		} else {
			action = action.Mkfile("/"+name, 0o644, files[name], made)
		}
	}
	source = source.File(action, g.shared("write the build cache program")...)
	env := g.ambient()
	maps.Copy(env, map[string]string{
		"CGO_ENABLED": "0", "GO111MODULE": "on", "GOCACHE": buildCache, "GOENV": "off", "GOFLAGS": "",
		"GOPROXY": "off", "GOTOOLCHAIN": "local", "GOWORK": "off",
	})
	argv := []string{"go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", outDir + "/" + cacheProgName, "."}
	run := g.run(g.goRoot(), argv, env, "/", pb.NetMode_NONE, append(
		runOptions(g.shared("compile the build cache program")), llb.AddMount(sourceDir, source, llb.Readonly)))
	return builtProgram{run.AddMount(outDir, llb.Scratch()), run.AddMount(buildCache, llb.Scratch())}
}
