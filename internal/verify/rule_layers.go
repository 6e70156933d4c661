package verify

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/tuning"

	"github.com/opencontainers/go-digest"
)

func judgeLayers(in *inspection) outcome {
	var t tally
	in.judgeDocuments(&t)
	diffIDs := in.config.RootFS.DiffIDs
	if len(in.layers) != len(diffIDs) {
		t.fail("config rootfs.diff_ids", fmt.Sprintf("%d DiffIDs", len(diffIDs)), fmt.Sprintf("%d, one for each layer", len(in.layers)))
	}
	for i, l := range in.layers {
		where := fmt.Sprintf("layer %d", i)
		if l.desc != nil && (l.digest != l.desc.Digest || l.size != l.desc.Size) {
			t.fail(where, stored(l.digest, l.size, l.desc.Size), stored(l.desc.Digest, l.desc.Size, l.desc.Size)+" of the manifest")
		}
		switch {
		case l.err != nil:
			t.fail(where, "unreadable: "+l.err.Error(), "a tar to its end")
		case i < len(diffIDs) && l.diffID.String() != diffIDs[i].String():
			t.fail(where, "uncompressed "+l.diffID.String(), diffIDs[i].String()+" of the config")
		}
	}
	if in.broken() == nil {
		in.judgeOwnership(&t)
	}
	return t.outcome(fmt.Sprintf("%d layers", len(in.layers)))
}

// stored is a digest and size; of a blob that is too long, only that is known.
func stored(h v1.Hash, size, want int64) string {
	if size > want {
		return fmt.Sprintf("more than %d bytes", want)
	}
	return fmt.Sprintf("%s with %d bytes", h, size)
}

// judgeDocuments holds manifest and config against the digests that name them.
func (in *inspection) judgeDocuments(t *tally) {
	none := v1.Hash{}
	if want := in.subject.Digest; want != none && in.manifestDigest != none && in.manifestDigest != want {
		t.fail("manifest", in.manifestDigest.String(), want.String()+" of the reference or index")
	}
	want := in.manifest.Config
	if in.manifestDigest != none && (in.configDigest != want.Digest || in.configSize != want.Size) {
		t.fail("config", stored(in.configDigest, in.configSize, in.configSize), stored(want.Digest, want.Size, want.Size)+" of the manifest")
	}
}

// judgeOwnership demands that each labelled binary exists, and that the topmost
// layer which holds its path is one of ours: a base must not supply it.
func (in *inspection) judgeOwnership(t *tally) {
	base, known := in.baseLayers()
	for _, p := range labelledPaths(in.config.Config) {
		e, err := in.root.Resolve(p)
		switch {
		case err != nil:
			t.fail(p, err.Error(), "a file, as "+tuning.LabelBinaries+" says")
		case known && e.Content.Layer < base:
			t.fail(p, fmt.Sprintf("layer %d, one of the base's %d", e.Content.Layer, base), "a layer above the base")
		}
	}
}

// baseLayers is the number of the base's layers that the seal names; false if the
// seal is right for none, so that judgeSeal fails.
func (in *inspection) baseLayers() (int, bool) {
	seal, _ := in.label(tuning.LabelSeal)
	ids := in.config.RootFS.DiffIDs
	for n := range len(ids) + 1 {
		s := plan.Sealed{Platform: in.config.Platform, Config: in.config.Config, Base: ids[:n], Layers: len(ids) - n}
		if got, err := s.Seal(tuning.LabelSeal); err == nil && got == digest.Digest(seal) {
			return n, true
		}
	}
	return 0, false
}
