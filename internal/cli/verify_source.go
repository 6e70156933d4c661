package cli

import (
	"context"
	"errors"
	"fmt"
	goversion "go/version"
	"os"
	"path/filepath"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/sirupsen/logrus"

	"github.com/plimsoll-build/plimsoll/internal/imagediff"
	"github.com/plimsoll-build/plimsoll/internal/local"
	"github.com/plimsoll-build/plimsoll/internal/solve"
	"github.com/plimsoll-build/plimsoll/internal/spec"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
	"github.com/plimsoll-build/plimsoll/internal/verify"
)

// sourceOf are the flags that plan an image's build again: the caller's, and for what
// a caller does not say what the image records of itself. taken names the latter.
func (f *againstFlags) sourceOf(r verify.Report) (_ sourceFlags, taken []string, err error) {
	src := f.source
	src.file = f.spec
	src.noCache = f.rebuild
	if src.context == "" {
		src.context = filepath.Dir(f.spec)
	}
	src.platforms = []string{r.Platform}
	args, err := src.args()
	if err != nil {
		return src, nil, err
	}
	src.buildArgs = append([]string{}, src.buildArgs...)
	take := func(name, value string) {
		if _, given := args[name]; !given && value != "" {
			src.buildArgs = append(src.buildArgs, name+"="+value)
			taken = append(taken, name+" "+value)
		}
	}
	take("REVISION", r.Labels[ocispec.AnnotationRevision])
	take("VERSION", r.Labels[ocispec.AnnotationVersion])
	if created, err := time.Parse(time.RFC3339, r.Labels[ocispec.AnnotationCreated]); err == nil && created.Unix() >= 0 {
		take("SOURCE_DATE_EPOCH", fmt.Sprint(created.Unix()))
	}
	if src.recorded.url = r.Labels[ocispec.AnnotationSource]; src.recorded.url != "" {
		taken = append(taken, "source "+src.recorded.url)
	}
	if v := r.Labels[tuning.LabelGo]; goversion.IsValid(v) {
		src.recorded.goVersion = strings.TrimPrefix(v, "go")
		taken = append(taken, v)
	}
	return src, taken, nil
}

// againstSource holds an image against its plan, and against what that builds to.
func (a *against) againstSource(ctx context.Context, subject verify.Subject, r *verify.Report) error {
	src, taken, err := a.flags.sourceOf(*r)
	if err != nil {
		return err
	}
	p, err := prepare(ctx, a.log, &src)
	if err != nil {
		if ctx.Err() != nil || wrongSpec(err) {
			return err
		}
		a.unplanned(r, err)
		return nil
	}
	defer p.done()
	note := ""
	if len(taken) > 0 {
		note = "; taken from the image: " + strings.Join(taken, ", ")
	}
	j, err := verify.AgainstPlan(ctx, subject, p.Plans[0])
	if err != nil {
		return err
	}
	j.Passed += note
	locate(j.Fails, p)
	r.Add(verify.RuleSpec, j)
	if !a.flags.rebuild {
		return nil
	}
	if j, err = a.rebuild(ctx, subject, src, p); err != nil {
		return err
	}
	j.Passed += note
	r.Add(verify.RuleRebuild, j)
	return nil
}

// wrongSpec reports whether an error is the caller's to correct, in the spec or a flag.
func wrongSpec(err error) bool {
	_, usage := errors.AsType[usageError](err)
	_, one := errors.AsType[*spec.Error](err)
	_, several := errors.AsType[spec.Errors](err)
	return usage || one || several
}

// unplanned leaves open what needs a plan that cannot be made now, such as without the
// registry of the base.
func (a *against) unplanned(r *verify.Report, err error) {
	unknown := verify.Judgement{Unknowns: []string{"planning the spec: " + err.Error()}}
	r.Add(verify.RuleSpec, unknown)
	if a.flags.rebuild {
		r.Add(verify.RuleRebuild, unknown)
	}
}

// locate gives findings the spec as their file.
func locate(findings []verify.Finding, p *prepared) {
	for i := range findings {
		findings[i].File = p.file
	}
}

// rebuild builds the plan once more and compares. A build that fails proves nothing
// about the image, so it is unknown.
func (a *against) rebuild(ctx context.Context, subject verify.Subject, src sourceFlags, p *prepared) (verify.Judgement, error) {
	f := &buildFlags{sourceFlags: src, engine: a.flags.engine, addr: a.flags.addr, frontend: a.flags.frontend, quiet: true}
	daemon, addr, err := f.buildkit()
	if err != nil {
		return verify.Judgement{}, err
	}
	compare := func(rebuilt verify.Subject) (verify.Judgement, error) { return compared(ctx, subject, rebuilt) }
	var j verify.Judgement
	if daemon {
		j, err = a.rebuildWithBuildKit(ctx, f, addr, compare)
	} else {
		j, err = rebuildEmbedded(ctx, a.log, f, p, compare)
	}
	if ctx.Err() != nil {
		return j, ctx.Err()
	}
	if err != nil {
		return verify.Judgement{Unknowns: []string{err.Error()}}, nil //nolint:nilerr // the verdict says so
	}
	return j, nil
}

func rebuildEmbedded(ctx context.Context, log *logrus.Logger, f *buildFlags, p *prepared, compare func(verify.Subject) (verify.Judgement, error)) (verify.Judgement, error) {
	options, clean, err := engineOptions(log, f, p)
	if err != nil {
		return verify.Judgement{}, err
	}
	defer clean()
	res, err := local.Build(ctx, p.Plans, options)
	if err != nil {
		return verify.Judgement{}, fmt.Errorf("building again: %w", err)
	}
	return compare(verify.FromImage("rebuilt", res.Images[0].Image))
}

// rebuildWithBuildKit lets the daemon choose the toolchain, as it does for any build:
// another release than the image's shows as a difference.
func (a *against) rebuildWithBuildKit(ctx context.Context, f *buildFlags, addr string, compare func(verify.Subject) (verify.Judgement, error)) (verify.Judgement, error) {
	dir, err := os.MkdirTemp("", "plimsoll-rebuild-")
	if err != nil {
		return verify.Judgement{}, err
	}
	defer os.RemoveAll(dir)
	request, err := f.request(ctx, a.streams, addr, f.file)
	if err != nil {
		return verify.Judgement{}, err
	}
	if f.recorded.url != "" {
		request.Source.URL = f.recorded.url
	}
	archive := filepath.Join(dir, "rebuilt.tar")
	request.Outputs = []string{"type=oci,dest=" + archive}
	if _, err := solve.Build(ctx, request); err != nil {
		return verify.Judgement{}, fmt.Errorf("building again: %w", err)
	}
	subjects, err := verify.Open(ctx, "oci-archive:"+archive, verify.OpenOptions{})
	if err != nil {
		return verify.Judgement{}, err
	}
	return compare(subjects[0])
}

// compared holds two images against each other, by digest first.
func compared(ctx context.Context, subject, rebuilt verify.Subject) (verify.Judgement, error) {
	got, err := subject.Parts()
	if err != nil {
		return verify.Judgement{}, err
	}
	want, err := rebuilt.Parts()
	if err != nil {
		return verify.Judgement{}, err
	}
	found, err := imagediff.Compare(ctx, imagediff.Image{Manifest: got.Manifest, Config: got.Config, Layers: got.Layers},
		imagediff.Image{Manifest: want.Manifest, Config: want.Config, Layers: want.Layers})
	if err != nil {
		return verify.Judgement{}, err
	}
	j := verify.Judgement{Passed: "built again, manifest and content are the same"}
	if got.ManifestDigest != want.ManifestDigest {
		j.Passed = "built again, config and uncompressed layers are the same; the manifest differs, as another compressor or exporter leaves it"
	}
	for _, d := range found {
		j.Fails = append(j.Fails, verify.Finding{Where: d.Where, Got: d.Got, Want: "rebuilt: " + d.Want})
	}
	return j, nil
}
