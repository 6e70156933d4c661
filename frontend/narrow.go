package frontend

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/solver/pb"

	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/spec"
	"github.com/plimsoll-build/plimsoll/llbgen"
)

// listed are the files whose content is needed to say which files a build reads: all that
// may have build constraints (go/build, matchFile), what assembly includes, and the files of
// modules. Patterns after another one win.
var listed = []string{
	"**/*.go", "!**/*_test.go", "**/*.[sSmfF]", "**/*.c", "**/*.cc", "**/*.cpp", "**/*.cxx", "**/*.h", "**/*.hh", "**/*.hpp", "**/*.hxx",
	"**/*.for", "**/*.f90", "**/*.sx", "**/*.inc", "**/*.swig", "**/*.swigcxx", "**/go.mod", "**/go.sum", "**/go.work", "**/go.work.sum",
}

// canListNames reports whether the daemon can ask a client for names alone (0.22).
func (b *build) canListNames() bool {
	caps := b.GatewayClient().BuildOpts().LLBCaps
	return caps.Supports(pb.CapSourceMetadataTransfer) == nil && caps.Supports(pb.CapSourceLocalIncludePatterns) == nil
}

// listNames asks the client for the names of all files of the context, and for the content
// of those that facts are gathered from.
func (b *build) listNames(ctx context.Context) (fs.FS, error) {
	patterns := slices.Clone(listed)
	for _, root := range b.service.Image.CARoots {
		patterns = append(patterns, llbgen.Pattern(path.Clean(root)))
	}
	opts := []llb.LocalOption{llb.MetadataOnlyTransfer(patterns)}
	if !b.placesGit() {
		ignored, err := b.DockerIgnorePatterns(ctx)
		if err != nil {
			return nil, told(ctx, "reading the ignore file", err)
		}
		opts = append(opts, llb.ExcludePatterns(append(slices.Clone(ignored), gitDir)))
	}
	st, err := b.part(ctx, "names", "load names of the build context", opts...)
	if err != nil {
		return nil, err
	}
	ref, err := b.solveState(ctx, st)
	if err != nil {
		return nil, told(ctx, "loading the build context", err)
	}
	if ref == nil {
		return nil, errors.New("the build context is empty")
	}
	return newListingFS(ctx, ref)
}

// gitDir holds more files than the rest of many a repository, and nothing that is compiled.
const gitDir = ".git"

// placesGit reports whether a part of gitDir goes into the image.
func (b *build) placesGit() bool {
	return slices.ContainsFunc(b.service.Image.Files, func(f spec.File) bool {
		first, _, _ := strings.Cut(path.Clean(f.From), "/")
		return first == "." || first == gitDir
	})
}

// part is the client's context with other options. Each part has a place of its own on the
// daemon, where the next build of the service finds what has not changed.
func (b *build) part(ctx context.Context, name, title string, opts ...llb.LocalOption) (llb.State, error) {
	hint := fmt.Sprintf("%s-plimsoll-%s-%s", dockerui.DefaultLocalNameContext, b.service.Name, name)
	st, err := b.MainContext(ctx, append(opts, llb.SharedKeyHint(hint), dockerui.WithInternalName(title))...)
	if err != nil {
		return llb.State{}, told(ctx, "opening the build context", err)
	}
	return *st, nil
}

// narrow makes of a context of which only names are known the parts that the plans need:
// what is compiled, and what is placed in the image. Where a binary could not be listed,
// everything is needed.
func (b *build) narrow(ctx context.Context, plans []plan.Plan, listings []map[string]llbgen.Listing, o *llbgen.Options) error {
	if !b.context.named {
		return nil
	}
	var code, first []string
	complete, alike := true, true
	for i, p := range plans {
		for _, l := range listings[i] {
			patterns := l.Patterns()
			if first == nil {
				first = patterns
			}
			alike = alike && slices.Equal(first, patterns)
			code = append(code, patterns...)
		}
		complete = complete && len(listings[i]) == len(p.Compiles)
	}
	slices.Sort(code)
	var err error
	if len(code) > 0 {
		o.Code, err = b.part(ctx, "code", "load Go sources", llb.IncludePatterns(slices.Compact(code)))
		o.CodeExact = alike && complete
	}
	placed := placedPaths(plans)
	if err != nil || !complete || len(placed) == 0 || slices.ContainsFunc(placed, isPattern) {
		return err
	}
	o.Context, err = b.part(ctx, "files", "load files of the image", llb.FollowPaths(placed))
	return err
}

// isPattern reports whether the daemon would read a path that is to be followed as a
// pattern, for which it has no escape.
func isPattern(name string) bool { return strings.ContainsAny(name, `*?[\`) }

// placedPaths are the paths of the context that go into images.
func placedPaths(plans []plan.Plan) []string {
	var all []string
	for _, p := range plans {
		for _, l := range p.Layers {
			for _, f := range l.Files {
				if from := f.Source.Context + f.Source.Tree; from != "" { // one of them at most
					all = append(all, from)
				}
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
