package frontend

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/gitutil/gitobject"

	"github.com/plimsoll-build/plimsoll/internal/facts"
)

// sourceFacts says where the source stands: build arguments first, then what buildx found
// in the working tree, then a git context's commit.
func (b *build) sourceFacts(ctx context.Context) (facts.Source, error) {
	git, err := b.gitContext(ctx)
	if err != nil {
		return facts.Source{}, err
	}
	src := facts.Source{
		Revision: first(b.BuildArgs["REVISION"], b.opts["vcs:revision"], git.Revision),
		Version:  b.BuildArgs["VERSION"],
		URL:      facts.PublicURL(first(b.opts["vcs:source"], git.URL)),
		Epoch:    git.Epoch,
	}
	switch arg := b.BuildArgs["SOURCE_DATE_EPOCH"]; arg {
	case "":
	case "context":
		t, err := b.ResolveMainContextSourceDateEpoch(ctx)
		if err != nil {
			return facts.Source{}, told(ctx, "reading the time of the build context", err)
		}
		if t != nil {
			src.Epoch = t.Unix()
		}
	default:
		if src.Epoch, err = strconv.ParseInt(arg, 10, 64); err != nil {
			return facts.Source{}, fmt.Errorf("build argument SOURCE_DATE_EPOCH: %q is not a number of seconds", arg)
		}
	}
	return src, nil
}

// gitContext is what a git context says of itself; empty for any other.
func (b *build) gitContext(ctx context.Context) (facts.Source, error) {
	op := b.context.origin
	if op == nil || !strings.HasPrefix(op.Identifier, "git://") {
		return facts.Source{}, nil
	}
	md, err := b.GatewayClient().ResolveSourceMetadata(ctx, op, sourceresolver.Opt{
		LogName: "[internal] read the commit of the build context",
		GitOpt:  &sourceresolver.ResolveGitOpt{ReturnObject: true},
	})
	if err != nil {
		return facts.Source{}, told(ctx, "reading the commit of the build context", err)
	}
	if md.Git == nil {
		return facts.Source{}, nil
	}
	src := facts.Source{Revision: first(md.Git.CommitChecksum, md.Git.Checksum), URL: op.Attrs[pb.AttrFullRemoteURL]}
	if len(md.Git.CommitObject) == 0 {
		return src, nil
	}
	object, err := gitobject.Parse(md.Git.CommitObject)
	if err != nil {
		return facts.Source{}, fmt.Errorf("reading the commit of the build context: %w", err)
	}
	commit, err := object.ToCommit()
	if err != nil {
		return facts.Source{}, fmt.Errorf("reading the commit of the build context: %w", err)
	}
	if when := commit.Committer.When; when != nil {
		src.Epoch = when.Unix()
	}
	return src, nil
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
