package plan

import (
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/opencontainers/go-digest"
)

// SealContract is the version of the sealed struct. A change of Sealed's JSON
// is a new version: images in registries carry seals of the old one.
const SealContract = 1

// Sealed is what the seal label binds: whatever an edit after the build could
// change without a trace in the layers. History and created are BuildKit's to
// write and are left out. It is frozen: a golden vector in the tests holds it.
type Sealed struct {
	Contract int              `json:"contract"`
	Platform ocispec.Platform `json:"platform"`
	Config   RunConfig        `json:"config"`
	Base     []digest.Digest  `json:"base"`
	Layers   int              `json:"layers"`
}

// Seal is the digest of the sealed struct; the seal label itself is left out.
func (s Sealed) Seal(sealLabel string) (digest.Digest, error) {
	s.Contract = SealContract
	s.Base = slices.Concat([]digest.Digest{}, s.Base) // [] and null must not differ
	s.Config.Labels = without(s.Config.Labels, []string{sealLabel})
	data, err := Canonical(s)
	if err != nil {
		return "", err
	}
	return digest.FromBytes(data), nil
}

// SealMatchesUnbound is SealMatches for an image that was planned over a base without
// a digest (a local directory, a bake target): the seal binds the platform, the config
// and the number of our layers, but not what lies below them.
func SealMatchesUnbound(seal digest.Digest, platform ocispec.Platform, config RunConfig, layers int, sealLabel string) (bool, error) {
	for n := range layers + 1 {
		got, err := Sealed{Platform: platform, Config: config, Layers: n}.Seal(sealLabel)
		if err != nil || got == seal {
			return err == nil, err
		}
	}
	return false, nil
}

// Seal is the plan's seal.
func (p Plan) Seal(sealLabel string) (digest.Digest, error) {
	return Sealed{
		Platform: p.Config.Platform,
		Config:   p.Config.Config,
		Base:     p.Base.DiffIDs,
		Layers:   len(p.Layers),
	}.Seal(sealLabel)
}

// SealMatches reports whether seal is right for an image of this platform, config and
// layers. An image does not say where its base ends, so each split is tried.
func SealMatches(seal digest.Digest, platform ocispec.Platform, config RunConfig, diffIDs []digest.Digest, sealLabel string) (bool, error) {
	for n := range len(diffIDs) + 1 {
		got, err := Sealed{Platform: platform, Config: config, Base: diffIDs[:n], Layers: len(diffIDs) - n}.Seal(sealLabel)
		if err != nil || got == seal {
			return err == nil, err
		}
	}
	return false, nil
}
