package peers

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll-build/plimsoll/internal/bench/figures"
)

// progress is two vertices, one of which completes twice, one that never ran, and a
// transfer.
const progress = `
{"vertexes":[{"digest":"sha256:a","name":"fetch","started":"2026-01-01T00:00:01Z"}]}
{"vertexes":[{"digest":"sha256:a","name":"fetch","started":"2026-01-01T00:00:01Z","completed":"2026-01-01T00:00:02Z"},{"digest":"sha256:c","name":"never"}]}
{"vertexes":[{"digest":"sha256:b","name":"link","started":"2026-01-01T00:00:04Z","completed":"2026-01-01T00:00:04.5Z","cached":true}]}
{"statuses":[{"id":"extracting","vertex":"sha256:a","started":"2026-01-01T00:00:01.5Z","completed":"2026-01-01T00:00:02Z"}]}
{"vertexes":[{"digest":"sha256:a","name":"fetch","started":"2026-01-01T00:00:02Z","completed":"2026-01-01T00:00:03Z"}]}
`

func TestSteps(t *testing.T) {
	got, err := steps([]byte(progress))
	if err != nil {
		t.Fatal(err)
	}
	want := []figures.Step{
		{Name: "fetch", Start: 0, Seconds: 2},
		{Name: "fetch: extracting", Start: 0.5, Seconds: 0.5},
		{Name: "link", Start: 3, Seconds: 0.5, Cached: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := steps([]byte("{\"vertexes\": 1}")); err == nil {
		t.Error("progress of another form is no error")
	}
}

// TestDockerfilesDifferInMountsOnly keeps the two Dockerfiles comparable.
func TestDockerfilesDifferInMountsOnly(t *testing.T) {
	files := Files("golang:1", "frontend:1", "base:1", "cmd/orders")
	plain := func(text string) string {
		var words []string
		for word := range strings.FieldsSeq(text) {
			if !strings.HasPrefix(word, "--mount=") {
				words = append(words, word)
			}
		}
		return strings.Join(words, " ")
	}
	mounts, layers := files[mountsFile("cmd/orders")], files[layersFile("cmd/orders")]
	if plain(mounts) != plain(layers) || mounts == layers {
		t.Errorf("%s\n%s", mounts, layers)
	}
	stamp, download := strings.Index(layers, "ARG REVISION"), strings.Index(layers, "COPY internal")
	if stamp < download {
		t.Error("the stamp comes before the sources")
	}
}
