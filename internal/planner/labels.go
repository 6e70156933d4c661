package planner

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/opencontainers/go-digest"

	"github.com/plimsoll-build/plimsoll/internal/hook"
	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

// standardLabels are the ones that say where this image comes from: a base's own
// values would be a lie on the image above it.
var standardLabels = []string{
	ocispec.AnnotationTitle, ocispec.AnnotationVersion, ocispec.AnnotationRevision, ocispec.AnnotationSource,
	ocispec.AnnotationCreated, ocispec.AnnotationBaseImageName, ocispec.AnnotationBaseImageDigest,
	ocispec.AnnotationRefName,
}

// label writes the labels and annotations of a finished plan: first what is known
// beforehand, then the plan's digest over that, then the seal over all of it.
func (p *planning) label(pl *plan.Plan) error {
	labels := p.ownLabels(pl)
	s := p.service
	s.Runtime.Rehearse = nil // the image is the same with and without it
	specDigest, err := plan.Canonical(s)
	if err != nil {
		return fmt.Errorf("digesting the spec: %w", err)
	}
	labels[tuning.LabelSpecDigest] = digest.FromBytes(specDigest).String()
	maps.Copy(labels, p.service.Image.Labels)

	pl.Annotations = maps.Clone(labels)
	maps.Copy(pl.Annotations, p.service.Image.Annotations)
	all := pl.Config.Config.Labels
	maps.Copy(all, labels)

	planDigest, err := pl.Digest(tuning.LabelPlanDigest, tuning.LabelSeal)
	if err != nil {
		return fmt.Errorf("digesting the plan: %w", err)
	}
	all[tuning.LabelPlanDigest], pl.Annotations[tuning.LabelPlanDigest] = planDigest.String(), planDigest.String()
	seal, err := pl.Seal(tuning.LabelSeal)
	if err != nil {
		return fmt.Errorf("sealing the plan: %w", err)
	}
	all[tuning.LabelSeal], pl.Annotations[tuning.LabelSeal] = seal.String(), seal.String()
	return nil
}

// ownLabels are the standard facts and our own that need no digest.
func (p *planning) ownLabels(pl *plan.Plan) map[string]string {
	src := p.facts.Source
	var paths []string
	for _, c := range pl.Compiles {
		paths = append(paths, "/"+c.Name)
	}
	// The one that starts is named first, whatever the spec names first.
	if i := slices.Index(paths, pl.Config.Config.Entrypoint[0]); i > 0 {
		first := paths[i]
		paths = slices.Insert(slices.Delete(paths, i, i+1), 0, first)
	}
	labels := map[string]string{
		ocispec.AnnotationTitle:   p.title(),
		ocispec.AnnotationCreated: p.epoch().Format(time.RFC3339),
		tuning.LabelVersion:       tuning.ContractVersion,
		tuning.LabelBinaries:      strings.Join(paths, ","),
		tuning.LabelGo:            "go" + pl.Go,
		tuning.LabelStatic:        "true",
		tuning.LabelVariant:       "release",
	}
	for key, value := range map[string]string{
		ocispec.AnnotationVersion:         src.Version,
		ocispec.AnnotationRevision:        src.Revision,
		ocispec.AnnotationSource:          src.URL,
		ocispec.AnnotationBaseImageName:   pl.Base.Ref,
		ocispec.AnnotationBaseImageDigest: pl.Base.Digest.String(),
	} {
		if value != "" {
			labels[key] = value
		}
	}
	maps.Copy(labels, p.runtimeLabels())
	return labels
}

func (p *planning) runtimeLabels() map[string]string {
	r := p.service.Runtime
	labels := map[string]string{
		tuning.LabelMemLimit: tuning.FormatMemLimit(p.limit.Bytes),
		tuning.LabelMaxProcs: p.procs,
		tuning.LabelCgroup:   r.Cgroup,
	}
	if p.hook != "" {
		labels[tuning.LabelMemLimit], labels[tuning.LabelHook] = p.hookLabel, hook.Label(p.hook)
	}
	if r.Cgroup == "" {
		labels[tuning.LabelCgroup] = "any"
	}
	optional := map[string]string{
		tuning.LabelGOGC:       r.Gogc,
		tuning.LabelGODEBUG:    tuning.FormatGODEBUG(r.Godebug),
		tuning.LabelMemoryMax:  number(int64(r.Memory.Max)),
		tuning.LabelMemoryHigh: number(int64(r.Memory.High)),
		tuning.LabelCPUWeight:  number(int64(r.CPU.Weight)),
		tuning.LabelCPUSet:     r.CPU.Set,
		tuning.LabelPids:       number(int64(r.Pids)),
	}
	if r.CPU.Max > 0 {
		optional[tuning.LabelCPUMax] = tuning.FormatCores(int64(r.CPU.Max))
	}
	for key, value := range optional {
		if value != "" {
			labels[key] = value
		}
	}
	return labels
}

// number is n in decimal, empty for zero.
func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
