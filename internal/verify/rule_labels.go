package verify

import (
	"maps"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

func judgeLabels(in *inspection) outcome {
	var t tally
	own := in.ownLabels()
	for _, key := range tuning.Required() {
		if _, ok := own[key]; !ok {
			t.fail("label "+key, "missing", "present on every image of ours")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(own)) {
		grammar := grammars[key]
		if grammar == nil || !tuning.Known(key) {
			t.fail("label "+key, own[key], "no such key in contract version "+tuning.ContractVersion)
			continue
		}
		if err := grammar(own[key]); err != nil {
			t.fail("label "+key, own[key], "a value of its grammar: it is "+err.Error())
		}
	}
	in.judgeEnvLabel(&t, tuning.LabelGOGC, "GOGC", own[tuning.LabelGOGC])
	in.judgeEnvLabel(&t, tuning.LabelGODEBUG, "GODEBUG", tuning.EnvGODEBUG(own))
	in.judgeAnnotations(&t, own)
	return t.outcome("contract version " + own[tuning.LabelVersion])
}

// judgeEnvLabel holds a label that records a variable as set against the
// environment, which is to be want. Without the label, the environment is the user's own.
func (in *inspection) judgeEnvLabel(t *tally, key, name, want string) {
	_, ok := in.label(key)
	if env := strings.Join(in.env(name), " "); ok && env != want {
		t.fail("env "+name, "\""+env+"\"", "\""+want+"\" by label "+key)
	}
}

// judgeAnnotations demands that ours are equal to the labels where the manifest
// carries any: archives and daemons lose them all.
func (in *inspection) judgeAnnotations(t *tally, labels map[string]string) {
	own := maps.Clone(in.manifest.Annotations)
	maps.DeleteFunc(own, func(key, _ string) bool { return !strings.HasPrefix(key, tuning.Prefix) })
	if len(own) == 0 {
		return
	}
	all := maps.Clone(own)
	maps.Copy(all, labels)
	for _, key := range slices.Sorted(maps.Keys(all)) {
		got, annotated := own[key]
		want, labelled := labels[key]
		switch {
		case !annotated:
			t.fail("annotation "+key, "missing", want+" of the label")
		case !labelled:
			t.fail("annotation "+key, got, "none, as there is no such label")
		case got != want:
			t.fail("annotation "+key, got, want+" of the label")
		}
	}
}

// unboundSeal reports whether the seal is that of an image whose base had no digest, as
// its labels, which the seal binds, say.
func (in *inspection) unboundSeal(seal digest.Digest) bool {
	_, named := in.label(ocispec.AnnotationBaseImageName)
	_, pinned := in.label(ocispec.AnnotationBaseImageDigest)
	if !named || pinned {
		return false
	}
	match, err := plan.SealMatchesUnbound(seal, in.config.Platform, in.config.Config, len(in.config.RootFS.DiffIDs), tuning.LabelSeal)
	return match && err == nil
}

func judgeSeal(in *inspection) outcome {
	var t tally
	seal, ok := in.label(tuning.LabelSeal)
	if !ok {
		t.fail("label "+tuning.LabelSeal, "missing", "the digest of platform, config and layers")
		return t.outcome("")
	}
	match, err := plan.SealMatches(digest.Digest(seal), in.config.Platform, in.config.Config, in.config.RootFS.DiffIDs, tuning.LabelSeal)
	switch {
	case err != nil:
		t.unknown("recomputing the seal: %v", err)
	case !match && in.unboundSeal(digest.Digest(seal)):
		t.unknown("the base had no digest when the image was planned: what lies below our layers is not bound")
	case !match:
		t.fail("label "+tuning.LabelSeal, seal, "the seal of this config, platform and these layers: something was edited after the build")
	}
	if err := in.unknownConfigFields(); err != nil {
		t.fail("config", err.Error(), "only fields that the seal binds")
	}
	return t.outcome("config and layers are as planned")
}
