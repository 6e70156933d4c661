package frontend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"

	"github.com/plimsoll-build/plimsoll/internal/facts"
	"github.com/plimsoll-build/plimsoll/internal/planner"
	"github.com/plimsoll-build/plimsoll/internal/spec"
)

// maxExcerpts is how many places of the spec one error shows: each carries the whole
// document to the client.
const maxExcerpts = 8

// told is an error of the gateway with what was being done. The chain ends here: on the
// way to the client, a status of the daemon in it would replace the text.
func told(ctx context.Context, doing string, err error) error {
	if errdefs.IsCanceled(ctx, err) {
		return err
	}
	// dockerui takes every spec for a Dockerfile.
	return errors.New(doing + ": " + strings.TrimPrefix(err.Error(), "failed to read dockerfile: "))
}

// problem is one thing that is wrong, and the line of the spec that it is about, or 0.
type problem struct {
	line int
	text string
}

// keyError is an error about a key of the spec.
type keyError struct {
	key string
	err error
}

func (e *keyError) Error() string { return e.err.Error() }
func (e *keyError) Unwrap() error { return e.err }

// atLines is err with the lines of the spec that it is about, which clients print.
func (b *build) atLines(ctx context.Context, err error) error {
	if err == nil || b.source == nil {
		return err
	}
	found := b.problems(err)
	if len(found) == 0 || errdefs.IsCanceled(ctx, err) {
		return err
	}
	slices.SortStableFunc(found, func(x, y problem) int { return cmp.Compare(x.line, y.line) })
	texts, lines := make([]string, len(found)), make([]int, 0, len(found))
	for i, p := range found {
		texts[i] = p.text
		if p.line > 0 {
			lines = append(lines, p.line)
		}
	}
	// Clients print the innermost source first.
	// The chain ends here: a status of the daemon in it would replace the text.
	out := errors.New(strings.Join(texts, "\n"))
	for i, line := range slices.Compact(lines) {
		if i == maxExcerpts {
			break
		}
		out = errdefs.WithSource(out, &errdefs.Source{Info: b.sourceInfo(), Ranges: lineRange(line)})
	}
	return out
}

// problems splits an error into what it says about the spec; nil if it says nothing.
func (b *build) problems(err error) []problem {
	var out []problem
	if list, ok := errors.AsType[spec.Errors](err); ok {
		for _, e := range list {
			short := *e
			short.Excerpt = "" // the client prints the lines itself
			out = append(out, problem{short.Position.Line, short.Error()})
		}
		return out
	}
	if e, ok := errors.AsType[*spec.Error](err); ok {
		return b.problems(spec.Errors{e})
	}
	if list, ok := errors.AsType[facts.Error](err); ok {
		for _, n := range list {
			out = append(out, b.problem(n.Path, n.Message))
		}
		return out
	}
	if list, ok := errors.AsType[planner.Error](err); ok {
		for _, n := range list {
			out = append(out, b.problem(n.Path, n.Message))
		}
		return out
	}
	if e, ok := errors.AsType[*keyError](err); ok {
		out = append(out, b.problem(e.key, err.Error()))
	}
	return out
}

// problem is a message about a key, in the form of the spec's own errors.
func (b *build) problem(key, message string) problem {
	if b.doc == nil {
		return problem{0, message}
	}
	p := b.doc.Position(key)
	e := spec.Error{File: b.doc.File, Position: p, Path: key, Message: message}
	return problem{p.Line, e.Error()}
}

// warn tells the user, once, and where. Clients show the short text alone, so it is
// complete in itself.
func (b *build) warn(ctx context.Context, key, rule, message string) {
	opts := client.WarnOpts{Level: 1}
	text := rule + ": " + message
	if line := b.doc.Position(key).Line; line > 0 {
		text = fmt.Sprintf("%s: %s (%s line %d)", rule, message, b.doc.File, line)
		opts.Range = lineRange(line)
	}
	b.source.Warn(ctx, text, opts)
}

func (b *build) sourceInfo() *pb.SourceInfo {
	m := b.source.SourceMap
	return &pb.SourceInfo{Data: m.Data, Filename: m.Filename, Language: m.Language, Definition: m.Definition.ToPB()}
}

// locate are the constraints that tie a vertex to the lines of keys; none where the spec
// leaves them out.
func (b *build) locate(keys ...string) []llb.ConstraintsOpt {
	var ranges []*pb.Range
	for _, key := range keys {
		if line := b.doc.Position(key).Line; line > 0 {
			ranges = append(ranges, lineRange(line)...)
		}
	}
	if len(ranges) == 0 {
		return nil
	}
	return []llb.ConstraintsOpt{b.source.Location(ranges)}
}

// lineRange is one whole line; lines count from 1.
func lineRange(line int) []*pb.Range {
	at := &pb.Position{Line: int32(line)}
	return []*pb.Range{{Start: at, End: at}}
}
