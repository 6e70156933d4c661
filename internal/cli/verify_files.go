package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
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
	parts, config, err := configOf(subject)
	if err != nil {
		return verify.Judgement{}, err
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

// configOf are an image's parts, and its config understood.
func configOf(subject verify.Subject) (verify.Parts, ocispec.Image, error) {
	var config ocispec.Image
	parts, err := subject.Parts()
	if err != nil {
		return parts, config, err
	}
	if err := json.Unmarshal(parts.Config, &config); err != nil {
		return parts, config, fmt.Errorf("reading config: %w", err)
	}
	return parts, config, nil
}

// judgeManifest holds the containers that run an image against it.
func (a *against) judgeManifest(subject verify.Subject, r verify.Report) (verify.Judgement, error) {
	if r.Labels[tuning.LabelVersion] == "" {
		return verify.Judgement{Skip: "no labels of ours"}, nil
	}
	_, config, err := configOf(subject)
	if err != nil {
		return verify.Judgement{}, err
	}
	image := workload.Image{
		Labels: r.Labels, User: config.Config.User, Volumes: slices.Sorted(maps.Keys(config.Config.Volumes)),
		Binaries: strings.Split(r.Labels[tuning.LabelBinaries], ","),
	}
	chosen, errs := workload.Choose(a.containers, a.flags.container, inRegistry(r.Ref))
	var j verify.Judgement
	for _, err := range errs {
		j.Unknowns = append(j.Unknowns, err.Error())
	}
	var places []string
	for _, c := range chosen {
		found := workload.Judge(c, image)
		j.Fails = append(j.Fails, placed(found.Fails, c.File)...)
		j.Warns = append(j.Warns, placed(found.Warns, c.File)...)
		j.Unknowns = append(j.Unknowns, found.Unknowns...)
		places = append(places, fmt.Sprintf("%s:%d", c.File, c.Line))
	}
	j.Passed = "agrees with " + strings.Join(places, ", ")
	return j, nil
}

// inRegistry is the reference by which a deployment can name an image; empty for an
// image in a file.
func inRegistry(ref string) string {
	ref = strings.TrimPrefix(ref, "docker-daemon:")
	for _, file := range []string{"oci:", "oci-archive:", "docker-archive:", "-"} {
		if strings.HasPrefix(ref, file) {
			return ""
		}
	}
	return ref
}

func placed(found []workload.Finding, file string) []verify.Finding {
	var all []verify.Finding
	for _, f := range found {
		all = append(all, verify.Finding{Where: f.Where, Got: f.Got, Want: f.Want, File: file, Line: f.Line})
	}
	return all
}
