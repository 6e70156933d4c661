package frontend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/patternmatcher/ignorefile"

	"github.com/plimsoll-build/plimsoll/llbgen"
)

// buildContext is the build context, as it comes and as the build sees it.
type buildContext struct {
	state    llb.State
	excludes []string
	// files is the context behind the ignore file.
	files fs.FS
	// origin is where it comes from; nil if it is not a single source.
	origin *pb.SourceOp
	// named is set where only names have been sent, so that what is needed can be chosen.
	named bool
}

// openContext opens the context for facts, as vertices will see it. Of a directory of the
// client only names and Go files are sent; anything else is loaded whole.
func (b *build) openContext(ctx context.Context) (buildContext, error) {
	state, err := b.MainContext(ctx)
	if err != nil {
		return buildContext{}, told(ctx, "opening the build context", err)
	}
	bc := buildContext{state: *state}
	if bc.origin, err = origin(ctx, *state); err != nil {
		return buildContext{}, err
	}
	local := bc.origin != nil && strings.HasPrefix(bc.origin.Identifier, "local://")
	if local && b.canListNames() {
		bc.named = true
		bc.files, err = b.listNames(ctx)
		return bc, err
	}
	if !local {
		// Clients apply ignore files only to what they send themselves.
		if bc.excludes, err = b.readIgnoreFile(ctx, *state); err != nil {
			return buildContext{}, err
		}
	}
	sources := llbgen.Sources(llbgen.Options{Context: bc.state, Excludes: bc.excludes, NoCache: b.noCache()})
	if bc.files, err = b.filesOf(ctx, sources); err != nil {
		return buildContext{}, told(ctx, "loading the build context", err)
	}
	return bc, nil
}

// origin is the one source of a state, or nil if there are several.
func origin(ctx context.Context, st llb.State) (*pb.SourceOp, error) {
	def, err := st.Marshal(ctx)
	if err != nil {
		return nil, fmt.Errorf("marshalling the build context: %w", err)
	}
	var found *pb.SourceOp
	for _, data := range def.Def {
		var op pb.Op
		if err := op.Unmarshal(data); err != nil {
			return nil, fmt.Errorf("reading the build context's definition: %w", err)
		}
		source := op.GetSource()
		if source != nil && found != nil {
			return nil, nil
		}
		if source != nil {
			found = source
		}
	}
	return found, nil
}

// readIgnoreFile reads FILE.dockerignore, else .dockerignore, of a context that no
// client has filtered.
func (b *build) readIgnoreFile(ctx context.Context, st llb.State) ([]string, error) {
	files, err := b.filesOf(ctx, st)
	if err != nil {
		return nil, told(ctx, "loading the build context", err)
	}
	for _, name := range []string{b.source.Filename + ".dockerignore", ".dockerignore"} {
		data, err := fs.ReadFile(files, name)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading the ignore file: %w", err)
		}
		patterns, err := ignorefile.ReadAll(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("reading the ignore file %s: %w", name, err)
		}
		return patterns, nil
	}
	return nil, nil
}

func (b *build) filesOf(ctx context.Context, st llb.State) (fs.FS, error) {
	ref, err := b.solveState(ctx, st)
	if err != nil {
		return nil, err
	}
	if ref == nil {
		return nil, errors.New("the build context is empty")
	}
	return &referenceFS{ctx: ctx, ref: ref}, nil
}

// solveState is the only way to a reference: without CacheImports a part that is solved
// aside would not be looked up in the remote cache.
func (b *build) solveState(ctx context.Context, st llb.State) (client.Reference, error) {
	return b.solveRequest(ctx, st, client.SolveRequest{})
}

// evaluate is solveState that also waits until the vertices have run, or are known from a
// cache, of which nothing is loaded.
func (b *build) evaluate(ctx context.Context, st llb.State) (client.Reference, error) {
	return b.solveRequest(ctx, st, client.SolveRequest{Evaluate: true})
}

func (b *build) solveRequest(ctx context.Context, st llb.State, req client.SolveRequest) (client.Reference, error) {
	def, err := st.Marshal(ctx)
	if err != nil {
		return nil, fmt.Errorf("marshalling a definition: %w", err)
	}
	req.Definition, req.CacheImports = def.ToPB(), b.CacheImports
	res, err := b.GatewayClient().Solve(ctx, req)
	if err != nil {
		return nil, err
	}
	return res.SingleRef()
}
