package verify

import (
	"context"
	"fmt"
	"io"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// The rules that hold an image against something besides itself. They are judged only
// if the caller brings that something.
const (
	RulePolicy   = "policy"
	RuleSpec     = "spec"
	RuleRebuild  = "rebuild"
	RuleManifest = "manifest"
	RuleRun      = "run"
)

// Against are the rules that need more than the image, in the order of reports. They
// are not among Rules: a caller who brings nothing gets no result of theirs.
func Against() []Rule {
	row := func(name, proves string) Rule {
		return Rule{Name: name, Proves: proves, Severity: Error, Docs: "docs/verify.md#" + name}
	}
	return []Rule{
		row(RulePolicy, "the image is what the policy file allows"),
		row(RuleSpec, "labels, config, annotations and files are what the spec plans"),
		row(RuleRebuild, "built again from the source, the image comes out the same"),
		row(RuleManifest, "limits, environment and mounts of the deployment agree with the labels"),
		row(RuleRun, "started here under its limits, the service lives, and GOMAXPROCS, GOMEMLIMIT, user and cgroup are as labelled"),
	}
}

// Judgement is what a comparison with something else found; the worst of it decides.
type Judgement struct {
	// Fails and Warns are the disagreements.
	Fails, Warns []Finding
	// Unknowns are what could not be judged.
	Unknowns []string
	// Skip is why there was nothing to judge; empty if there was.
	Skip string
	// Passed is the reason of a pass.
	Passed string
}

// Add puts the judgement of one of Against into the report.
func (r *Report) Add(rule string, j Judgement) {
	t := tally{fails: j.Fails, warns: j.Warns, unknowns: j.Unknowns}
	o := t.outcome(j.Passed)
	if j.Skip != "" && len(j.Fails)+len(j.Warns)+len(j.Unknowns) == 0 {
		o = skip(j.Skip)
	}
	r.Results = append(r.Results, Result{Rule: rule, Verdict: o.verdict, Severity: Error, Reason: o.reason, Findings: o.findings})
}

// reported are the rules that reports have results of: all of Rules, and of Against
// those that were asked for.
func (rs Reports) reported() []Rule {
	rules := Rules()
	for _, r := range Against() {
		if slices.ContainsFunc(rs, func(report Report) bool { return report.hasRule(r.Name) }) {
			rules = append(rules, r)
		}
	}
	return rules
}

func (r Report) hasRule(name string) bool {
	return slices.ContainsFunc(r.Results, func(res Result) bool { return res.Rule == name })
}

// Parts are the documents and layers of an image, as another image's can be held
// against.
type Parts struct {
	// Manifest is nil if the form has none.
	Manifest, Config []byte
	// ManifestDigest is of the manifest, zero without one.
	ManifestDigest v1.Hash
	// Layers open the uncompressed tars, bottom first. They are bounded by the
	// subject's limit for all layers together.
	Layers []func(context.Context) (io.ReadCloser, error)
}

// Parts are the subject's. What they hold was not verified.
func (s Subject) Parts() (Parts, error) {
	s.Limits = s.Limits.withDefaults()
	in := &inspection{subject: s, manifest: &v1.Manifest{}}
	if err := in.readManifest(); err != nil {
		return Parts{}, err
	}
	var p Parts
	var err error
	if p.Manifest, err = s.source.manifest(); err != nil {
		return Parts{}, err
	}
	if p.Config, err = s.source.config(in.manifest); err != nil {
		return Parts{}, fmt.Errorf("reading config: %w", err)
	}
	if len(p.Config) > maxConfig {
		return Parts{}, fmt.Errorf("config of %d bytes: %w", len(p.Config), ErrLimit)
	}
	blobs, err := s.source.layers(in.manifest)
	if err != nil {
		return Parts{}, err
	}
	if len(blobs) > maxLayers {
		return Parts{}, fmt.Errorf("%d layers: %w", len(blobs), ErrLimit)
	}
	p.ManifestDigest = in.manifestDigest
	for _, b := range blobs {
		p.Layers = append(p.Layers, func(ctx context.Context) (io.ReadCloser, error) { return b.uncompressed(ctx, s.Limits) })
	}
	return p, nil
}

// uncompressed is the blob's tar, which ends with an error at the limit and with ctx.
func (b blob) uncompressed(ctx context.Context, limits Limits) (io.ReadCloser, error) {
	rc, err := b.open()
	if err != nil {
		return nil, err
	}
	z, err := decompress(rc)
	if err != nil {
		rc.Close()
		return nil, err
	}
	return plainTar{&budgetReader{z, limits.budget()}, ctx, z, rc}, nil
}

// plainTar closes both sides of a decompressor.
type plainTar struct {
	io.Reader
	ctx    context.Context
	z, raw io.Closer
}

func (p plainTar) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.Reader.Read(b)
}

func (p plainTar) Close() error {
	p.z.Close()
	return p.raw.Close()
}
