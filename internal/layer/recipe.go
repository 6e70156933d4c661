package layer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/plimsoll-build/plimsoll/internal/plan"
)

// recipeOf is a digest of all that decides a layer's bytes, if that is known without reading
// them: plans hold it, but for binaries, whose sums may be at hand, and files of the build
// context. Empty for a layer that has to be read.
func recipeOf(l plan.Layer, epoch int64, src Sources) string {
	sums := map[string]string{}
	for _, f := range l.Files {
		if f.Source.Context != "" || f.Source.Tree != "" {
			return ""
		}
		if name := f.Source.Binary; name != "" {
			if sums[name] = src.Sums[name]; sums[name] == "" {
				return ""
			}
		}
	}
	data, err := json.Marshal([]any{"layer recipe 1", l, epoch, sums})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// linked reports whether the layer holds a binary that was just linked, so that the store has not
// got it: or only if the same sources came back, and then it is made again.
func linked(l plan.Layer, src Sources) bool {
	return src.Sums != nil && slices.ContainsFunc(l.Files, func(f plan.File) bool {
		return f.Source.Binary != "" && src.Sums[f.Source.Binary] == ""
	})
}

// made finds the layer that a recipe gave before. Its blob is read and compared with its
// digest, as always: a damaged one is made again.
func (s Store) made(recipe string) (*blob, bool) {
	if recipe == "" {
		return nil, false
	}
	data, err := os.ReadFile(s.recipe(recipe))
	if err != nil {
		return nil, false
	}
	diffID, err := v1.NewHash(string(data))
	if err != nil {
		return nil, false
	}
	b, err := s.lookup(diffID)
	now := time.Now()
	_ = os.Chtimes(s.recipe(recipe), now, now) // as lookup does
	return b, err == nil
}

// note keeps what a recipe gave. It only saves time, so that a failure is none.
func (s Store) note(recipe string, diffID v1.Hash) {
	if recipe == "" {
		return
	}
	f, err := os.CreateTemp(s.Dir, "tmp-")
	if err != nil {
		return
	}
	_, err = f.WriteString(diffID.String())
	if closed := f.Close(); err != nil || closed != nil || os.Rename(f.Name(), s.recipe(recipe)) != nil {
		_ = os.Remove(f.Name())
	}
}

func (s Store) recipe(key string) string { return filepath.Join(s.Dir, key+".recipe.json") }
