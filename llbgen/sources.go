package llbgen

import (
	"time"

	"github.com/moby/buildkit/client/llb"
)

// normalMode is chmod's way to say plan.NormalMode: only execute bits survive.
const normalMode = "a-st,u=rwX,go=rX"

// sourceTime is the time of all files of the normalised build context. It is far in the
// future since the go command keys its index of a package by the files' times and
// sizes, in the cache that builds share, and indexes nothing that is younger than now: with
// a time in the past, an edit that keeps a file's size would go unseen
// (cmd/go/internal/modindex, dirHash). Files of the image get the plan's epoch.
var sourceTime = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// Sources is the build context as the vertices of a plan see it. Facts read it there too, so
// that they cannot see what a build would not.
func Sources(o Options) llb.State { return (&graph{Options: o}).sources() }

// sources is the build context with fixed modes, owner and times. File modes are part
// of BuildKit's content keys, so without it a checkout under another umask would miss
// every cache. It also applies an ignore file where the client could not.
func (g *graph) sources() llb.State {
	return llb.Scratch().File(llb.Copy(g.Context, "/", "/", &llb.CopyInfo{
		CopyDirContentsOnly: true,
		ExcludePatterns:     g.Excludes,
		Mode:                &llb.ChmodOpt{ModeStr: normalMode},
		ChownOpt:            rootOwner(),
		CreatedTime:         &sourceTime,
	}), g.shared("normalise the build context")...)
}

// modFiles is the part of the sources that decides which modules are fetched.
func (g *graph) modFiles(files []string) llb.State {
	var action *llb.FileAction
	for _, f := range files {
		opts := &llb.CopyInfo{CreateDestPath: true, FollowSymlinks: true, CreatedTime: &sourceTime, ChownOpt: rootOwner()}
		action = thenCopy(action, g.sources(), rooted(f), rooted(f), opts)
	}
	return llb.Scratch().File(action, g.shared("select module files")...)
}

func rootOwner() *llb.ChownOpt {
	return &llb.ChownOpt{User: &llb.UserOpt{UID: 0}, Group: &llb.UserOpt{UID: 0}}
}

// thenCopy is a copy after action, or the first of a chain.
func thenCopy(action *llb.FileAction, from llb.CopyInput, src, dest string, opts ...llb.CopyOption) *llb.FileAction {
	if action == nil {
		return llb.Copy(from, src, dest, opts...)
	}
	return action.Copy(from, src, dest, opts...)
}
