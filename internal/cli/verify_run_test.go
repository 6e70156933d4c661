package cli

import (
	"encoding/json"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

// relabel DIR KEY VALUE: edits a label of the image in a layout, and its annotation, and
// seals it anew, as somebody who knows how would.
func relabel(ts *testscript.TestScript, _ bool, args []string) {
	dir, key, value := ts.MkAbs(args[0]), args[1], args[2]
	index, err := layout.ImageIndexFromPath(dir)
	ts.Check(err)
	manifests, err := index.IndexManifest()
	ts.Check(err)
	img, err := index.Image(manifests.Manifests[0].Digest)
	ts.Check(err)
	config, err := img.ConfigFile()
	ts.Check(err)
	config = config.DeepCopy()
	config.Config.Labels[key] = value
	config.Config.Labels[tuning.LabelSeal] = sealOf(ts, config)
	edited, err := mutate.ConfigFile(img, config)
	ts.Check(err)
	edited = mutate.Annotations(edited, map[string]string{key: value, tuning.LabelSeal: config.Config.Labels[tuning.LabelSeal]}).(v1.Image)
	into, err := layout.Write(filepath.Clean(dir), empty.Index)
	ts.Check(err)
	ts.Check(into.AppendImage(edited, layout.WithPlatform(*config.Platform())))
}

func sealOf(ts *testscript.TestScript, config *v1.ConfigFile) string {
	data, err := json.Marshal(config)
	ts.Check(err)
	var sealed struct {
		ocispec.Platform
		Config plan.RunConfig `json:"config"`
	}
	ts.Check(json.Unmarshal(data, &sealed))
	seal, err := plan.Sealed{Platform: sealed.Platform, Config: sealed.Config, Layers: len(config.RootFS.DiffIDs)}.Seal(tuning.LabelSeal)
	ts.Check(err)
	return seal.String()
}
