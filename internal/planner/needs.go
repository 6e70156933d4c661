package planner

import (
	"fmt"
	"path"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plimsoll-build/plimsoll/internal/facts"
	"github.com/plimsoll-build/plimsoll/internal/spec"
)

// Needs is what Plan has to know of the world for this service.
func Needs(s spec.Service, platforms []ocispec.Platform) facts.Query {
	q := facts.Query{Platforms: platforms}
	for _, b := range mains(s) {
		q.Mains = append(q.Mains, facts.Want{Name: b.dir, Key: b.key, Tags: slices.Concat(s.Build.Tags, b.tags)})
	}
	if ref := baseRef(s); ref != "" {
		q.Base = facts.Want{Name: ref, Key: "image.base"}
	}
	stamp := s.Build.Stamp
	for _, v := range []facts.Want{
		{Name: stamp.Version, Key: "build.stamp.version"}, {Name: stamp.Revision, Key: "build.stamp.revision"}, {Name: stamp.Time, Key: "build.stamp.time"},
	} {
		if v.Name != "" {
			q.Stamps = append(q.Stamps, v)
		}
	}
	for i, f := range s.Image.Files {
		q.Files = append(q.Files, facts.Want{Name: path.Clean(f.From), Key: fmt.Sprintf("image.files[%d].from", i)})
	}
	for i, root := range s.Image.CARoots {
		if root != rootsMozilla && root != rootsNone {
			q.Contents = append(q.Contents, facts.Want{Name: path.Clean(root), Key: fmt.Sprintf("image.caRoots[%d]", i)})
		}
	}
	return q
}

// mainPackage is one binary of the service before its name is settled.
type mainPackage struct {
	name, dir, key string
	tags, ldflags  []string
}

// mains are the binaries as the spec names them; the first is the entrypoint.
func mains(s spec.Service) []mainPackage {
	if len(s.Build.Binaries) == 0 {
		dir := s.Build.Main
		if dir == "" {
			dir = "."
		}
		return []mainPackage{{name: s.Name, dir: path.Clean(dir), key: "build.main"}}
	}
	var all []mainPackage
	for i, b := range s.Build.Binaries {
		all = append(all, mainPackage{b.Name, path.Clean(b.Main), fmt.Sprintf("build.binaries[%d].main", i), b.Tags, b.Ldflags})
	}
	return all
}
