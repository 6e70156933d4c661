package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plimsoll-build/plimsoll/internal/policy"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
	"github.com/plimsoll-build/plimsoll/internal/verify"
	"github.com/plimsoll-build/plimsoll/internal/workload"
)

// judgePolicy holds an image against the policy.
func (a *against) judgePolicy(subject verify.Subject, r verify.Report) (verify.Judgement, error) {
	parts, err := subject.Parts()
	if err != nil {
		return verify.Judgement{}, err
	}
	var config ocispec.Image
	if err := json.Unmarshal(parts.Config, &config); err != nil {
		return verify.Judgement{}, fmt.Errorf("reading config: %w", err)
	}
	size := int64(-1)
	if parts.Manifest != nil {
		var m v1.Manifest
		if err := json.Unmarshal(parts.Manifest, &m); err != nil {
			return verify.Judgement{}, fmt.Errorf("reading manifest: %w", err)
		}
		size = 0
		for _, l := range m.Layers {
			size += l.Size
		}
	}
	violations, unknowns := a.policy.Judge(policy.Image{
		Ours:     r.Labels[tuning.LabelVersion] != "",
		BaseName: r.Labels[ocispec.AnnotationBaseImageName], BaseDigest: r.Labels[ocispec.AnnotationBaseImageDigest],
		User: config.Config.User, Go: r.Labels[tuning.LabelGo], Size: size, Labels: r.Labels,
	})
	j := verify.Judgement{Unknowns: unknowns, Passed: "all that " + a.policy.File + " asks for"}
	for _, v := range violations {
		j.Fails = append(j.Fails, verify.Finding{Where: v.Where, Got: v.Got, Want: v.Want, File: a.policy.File, Line: v.Line})
	}
	return j, nil
}

// judgeManifest holds the containers that run an image against its labels.
func (a *against) judgeManifest(r verify.Report) verify.Judgement {
	if r.Labels[tuning.LabelVersion] == "" {
		return verify.Judgement{Skip: "no labels of ours"}
	}
	chosen, err := workload.Choose(a.containers, a.flags.container, r.Ref)
	if err != nil {
		return verify.Judgement{Unknowns: []string{err.Error()}}
	}
	var j verify.Judgement
	var places []string
	for _, c := range chosen {
		found := workload.Judge(c, r.Labels, strings.Split(r.Labels[tuning.LabelBinaries], ","))
		j.Fails = append(j.Fails, placed(found.Fails, c.File)...)
		j.Warns = append(j.Warns, placed(found.Warns, c.File)...)
		j.Unknowns = append(j.Unknowns, found.Unknowns...)
		places = append(places, fmt.Sprintf("%s:%d", c.File, c.Line))
	}
	j.Passed = "agrees with " + strings.Join(places, ", ")
	return j
}

func placed(found []workload.Finding, file string) []verify.Finding {
	var all []verify.Finding
	for _, f := range found {
		all = append(all, verify.Finding{Where: f.Where, Got: f.Got, Want: f.Want, File: file, Line: f.Line})
	}
	return all
}
