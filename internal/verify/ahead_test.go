package verify_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/tuning"
	"github.com/plimsoll-build/plimsoll/internal/verify"
)

// readAhead reads all layers of an image for its config.
func readAhead(t testing.TB, img v1.Image) *verify.Ahead {
	t.Helper()
	var config struct {
		Config plan.RunConfig `json:"config"`
	}
	raw, err := img.RawConfigFile()
	check(t, err)
	check(t, json.Unmarshal(raw, &config))
	ahead := verify.NewAhead(config.Config)
	layers, err := img.Layers()
	check(t, err)
	for _, l := range layers {
		rc, err := l.Compressed()
		check(t, err)
		ahead.Read(t.Context(), rc)
		check(t, rc.Close())
	}
	return ahead
}

var errOpened = errors.New("a layer was opened")

// shut is an image whose layers cannot be read.
type shut struct{ v1.Image }

func (s shut) LayerByDigest(h v1.Hash) (v1.Layer, error) {
	l, err := s.Image.LayerByDigest(h)
	return shutLayer{l}, err
}

type shutLayer struct{ v1.Layer }

func (shutLayer) Compressed() (io.ReadCloser, error) { return nil, errOpened }

// TestAhead is of when a layer that was read while it was made is not read again. That the verdict
// is the same is what judge compares, in each test that uses it.
func TestAhead(t *testing.T) {
	img := goodDraft(t).image(t)
	other := goodDraft(t)
	other.content["orders"] = append(other.content["orders"], 0)
	elsewhere := goodDraft(t)
	elsewhere.config.Config.Labels[tuning.LabelBinaries] = "/elsewhere"
	elsewhere.config.Config.Entrypoint = []string{"/elsewhere"}
	cut := verify.NewAhead(goodDraft(t).config.Config)
	layers, err := img.Layers()
	check(t, err)
	for _, l := range layers {
		rc, err := l.Compressed()
		check(t, err)
		data, err := io.ReadAll(rc)
		check(t, err)
		cut.Read(t.Context(), bytes.NewReader(data[:len(data)-1]))
	}
	small := verify.Limits{Binary: 1000}
	for name, tc := range map[string]struct {
		ahead  *verify.Ahead
		limits verify.Limits
		want   error
	}{
		"the same":            {readAhead(t, img), verify.Limits{}, nil},
		"another image's":     {readAhead(t, other.image(t)), verify.Limits{}, errOpened},
		"other files wanted":  {readAhead(t, elsewhere.image(t)), verify.Limits{}, errOpened},
		"cut off":             {cut, verify.Limits{}, errOpened},
		"other limits":        {readAhead(t, img), small, errOpened},
		"fewer bytes granted": {readAhead(t, img), verify.Limits{Uncompressed: 1000}, errOpened},
		"fewer files granted": {readAhead(t, img), verify.Limits{Entries: 1}, errOpened},
		"nothing":             {nil, verify.Limits{}, errOpened},
	} {
		subject := verify.FromImage("test", shut{img})
		subject.Ahead, subject.Limits = tc.ahead, tc.limits
		if _, err := verify.Image(t.Context(), subject); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v; want %v", name, err, tc.want)
		}
	}
}
