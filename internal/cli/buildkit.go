package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/containerd/platforms"
	"golang.org/x/mod/modfile"

	"github.com/plimsoll-build/plimsoll/internal/export"
	"github.com/plimsoll-build/plimsoll/internal/planner"
	"github.com/plimsoll-build/plimsoll/internal/solve"
	"github.com/plimsoll-build/plimsoll/internal/spec"
	"github.com/plimsoll-build/plimsoll/internal/verify"
)

// buildWithBuildKit asks a daemon for the frontend image of the spec's syntax line,
// as any client does: nothing of the build is decided here.
func buildWithBuildKit(ctx context.Context, s Streams, f *buildFlags, addr string) error {
	file, clean, err := specForFrontend(f)
	if err != nil {
		return err
	}
	defer clean()
	request, err := f.request(ctx, s, addr, file)
	if err != nil {
		return err
	}
	if request.Outputs, err = f.outputWords(f.layoutName(file)); err != nil {
		return err
	}
	written, err := f.daemonResult(request.Outputs)
	if err != nil {
		return usageError{err}
	}
	res, err := solve.Build(ctx, request)
	if err != nil {
		return err
	}
	if f.metadataFile != "" {
		data, err := res.MetadataFile()
		if err != nil {
			return err
		}
		if err := writeFile(f.metadataFile, data); err != nil {
			return err
		}
	}
	if err := f.verifyWritten(ctx, s, written, res.Digest); err != nil {
		return err
	}
	return f.report(s, resultName(written), res.Digest)
}

// verifyWritten verifies what the daemon wrote, where it can be read from here: a layout,
// an archive, or what was pushed. A registry that only the daemon reaches is a warning.
func (f *buildFlags) verifyWritten(ctx context.Context, s Streams, w export.Written, digest string) error {
	ref, log := resultName(w), newLog(s)
	if f.target != "" || digest == "" || ref == "" {
		return nil
	}
	switch o := w.Output; {
	case o.Push:
		ref += "@" + digest
	case o.Type != export.TypeOCI && (o.Type != export.TypeDocker || o.Dest == ""):
		return nil // files, or an image of a store that is not ours to read
	}
	subjects, err := verify.Open(ctx, ref, verify.OpenOptions{})
	if err != nil && f.strict {
		return fmt.Errorf("verifying what was built: %w", err)
	}
	if err != nil {
		log.Warnf("what was built was not verified: %v", err)
		return nil
	}
	reports, err := verify.All(ctx, subjects)
	if err != nil {
		return fmt.Errorf("verifying the result: %w", err)
	}
	for _, r := range reports {
		if !acceptable(log, r) {
			return errors.Join(reports.Text(s.Err, colourful(s.Err)), errors.New("the image was written, but it does not verify"))
		}
		if !f.quiet {
			log.Infof("%s: verified, %s", r.Platform, verdicts(r))
		}
	}
	return nil
}

// specForFrontend is the path of the spec that travels to the daemon. With --main
// and no file it is the smallest spec, in a directory of its own.
func specForFrontend(f *buildFlags) (file string, clean func(), err error) {
	if isRemote(f.context) {
		if f.main != "" {
			return "", nil, usagef("--main needs a local build context")
		}
		if f.file == "" {
			return "plimsoll.yaml", func() {}, nil
		}
		return f.file, func() {}, nil
	}
	file, exists := f.specFile()
	if f.main == "" {
		if !exists {
			_, _, err := readSpec(&f.sourceFlags)
			return "", nil, err
		}
		return file, func() {}, nil
	}
	if f.stdin {
		return "", nil, usagef("--main with a spec works with the embedded engine alone: set build.main in it")
	}
	if exists {
		return "", nil, usagef("--main with a spec file works with the embedded engine alone: set build.main in %s", file)
	}
	dir, err := os.MkdirTemp("", "plimsoll-spec-")
	if err != nil {
		return "", nil, fmt.Errorf("making a directory for the spec: %w", err)
	}
	clean = func() { _ = os.RemoveAll(dir) }
	file = filepath.Join(dir, "plimsoll.yaml")
	data := "# syntax=" + spec.SyntaxImage + "\napiVersion: " + spec.APIVersion + "\nbuild: {main: " + fmt.Sprintf("%q", f.main) + "}\n"
	if err := os.WriteFile(file, []byte(data), 0o644); err != nil {
		clean()
		return "", nil, fmt.Errorf("writing the spec: %w", err)
	}
	return file, clean, nil
}

func isRemote(context string) bool {
	return strings.Contains(context, "://") || strings.HasPrefix(context, "git@")
}

// request is the flags in the words of package solve.
func (f *buildFlags) request(ctx context.Context, s Streams, addr, file string) (solve.Request, error) {
	args, err := f.args()
	if err != nil {
		return solve.Request{}, err
	}
	if env := os.Getenv("SOURCE_DATE_EPOCH"); env != "" && args["SOURCE_DATE_EPOCH"] == "" {
		args["SOURCE_DATE_EPOCH"] = env
	}
	labels, err1 := pairs("label", f.labels)
	annotations, err2 := annotated(f.annotations)
	contexts, err3 := f.namedContexts()
	attests, err4 := f.attestations()
	targets, err5 := f.targets()
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return solve.Request{}, usageError{err}
	}
	r := solve.Request{
		Addr: addr, Context: f.context, Spec: file, Frontend: f.frontend, Target: f.target,
		BuildArgs: args, Labels: labels, Annotations: annotations, Contexts: contexts, Attest: attests,
		NoCache: f.noCache, Pull: f.pull, Secrets: f.secrets, CacheFrom: f.cacheFrom, CacheTo: f.cacheTo,
		Tags: f.tags, Progress: f.progress, Stdout: s.Out, Stderr: s.Err,
		Load: func() (io.WriteCloser, error) { return export.Loader(ctx) },
	}
	if f.quiet {
		r.Progress = "quiet"
	}
	for _, p := range targets {
		r.Platforms = append(r.Platforms, platforms.Format(p))
	}
	if !isRemote(f.context) {
		state := workingTree(ctx, f.context)
		r.Source = solve.Source{Revision: state.Revision, URL: state.URL}
	}
	return r, nil
}

// attestations are --attest, --sbom and --provenance in BuildKit's words.
func (f *buildFlags) attestations() (map[string]string, error) {
	out := map[string]string{}
	for _, word := range f.attest {
		rest, ok := strings.CutPrefix(word, "type=")
		kind, params, _ := strings.Cut(rest, ",")
		if !ok || (kind != "sbom" && kind != "provenance") {
			return nil, usagef("--attest %q is not type=sbom or type=provenance", word)
		}
		out[kind] = params
	}
	for kind, value := range map[string]string{"sbom": f.sbom, "provenance": f.provenance} {
		switch {
		case !on(value):
		case value == "true":
			out[kind] = ""
		default:
			out[kind] = value
		}
	}
	return out, nil
}

// layoutName is the default output: the name that the spec gives, else that of the
// main package or of the context's directory. The daemon's frontend would know better,
// but the name is needed before it is asked.
func (f *buildFlags) layoutName(file string) string {
	name := ""
	if data, err := os.ReadFile(file); err == nil {
		if doc, err := spec.Parse(file, data); err == nil {
			name = cmp.Or(doc.Service.Name, strings.TrimLeft(path.Base(doc.Service.Build.Main), "."))
		}
	}
	if name == "" {
		name = moduleName(f.context)
	}
	if name == "" {
		dir, err := filepath.Abs(f.context)
		if err != nil || isRemote(f.context) {
			dir = "image"
		}
		name = filepath.Base(dir)
	}
	return name + ".oci"
}

// moduleName is the name of the module at the root of the context; empty without one.
func moduleName(context string) string {
	data, err := os.ReadFile(filepath.Join(context, "go.mod"))
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(planner.ModuleName(modfile.ModulePath(data)), ".")
}

// daemonResult is the output that the line of stdout names: what was pushed, for a
// pipeline to go on with, else the first. It is called what -t says, as for the daemon.
func (f *buildFlags) daemonResult(words []string) (export.Written, error) {
	var first export.Written
	for i, word := range words {
		out, err := export.Where(word)
		if err != nil {
			return export.Written{}, err
		}
		w := export.Written{Output: out, Names: out.Names}
		if len(f.tags) > 0 {
			w.Names = f.tags
		}
		if out.Push {
			return w, nil
		}
		if i == 0 {
			first = w
		}
	}
	return first, nil
}
