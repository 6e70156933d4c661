package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/policy"
)

const digest = "sha256:0123456789012345678901234567890123456789012345678901234567890123"

func TestJudge(t *testing.T) {
	good := policy.Image{Ours: true, User: "65532:65532", Go: "go1.26.8", Size: 1 << 20, Labels: map[string]string{"team": "orders-eu"}}
	foreign := policy.Image{Size: -1}
	based := good
	based.BaseName, based.BaseDigest = "gcr.io/distroless/static:nonroot", digest
	for _, c := range []struct {
		name, file string
		image      policy.Image
		broken     []string
		unknown    int
	}{
		{"empty", "", good, nil, 0},
		{"scratch allowed", "bases: [scratch]", good, nil, 0},
		{"scratch not allowed", "bases: [gcr.io/*]", good, []string{"base"}, 0},
		{"base by pattern", "bases: [scratch, gcr.io/distroless/*]", based, nil, 0},
		{"base by digest", "bases: [" + digest + "]", based, nil, 0},
		{"a dot is a dot", "bases: [gcrxio/*]", based, []string{"base"}, 0},
		{"base unknown", "bases: [scratch]", foreign, nil, 1},
		{"user", `users: ["1000:1000"]`, good, []string{"config User"}, 0},
		{"no user is root", `users: ["65532*"]`, foreign, []string{"config User"}, 0},
		{"new enough", `go: "1.26.8"`, good, nil, 0},
		{"too old", `go: "1.27"`, good, []string{"go"}, 0},
		{"go unknown", `go: "1.26"`, foreign, nil, 1},
		{"small enough", "maxSize: 1MiB", good, nil, 0},
		{"too large", "maxSize: 1023KiB", good, []string{"size"}, 0},
		{"size unknown", "maxSize: 1GiB", foreign, nil, 1},
		{"label", "labels: {team: orders-*}", good, nil, 0},
		{"label differs, label missing", "labels: {team: pay-*, tier: '*'}", good, []string{"label team", "label tier"}, 0},
	} {
		p, err := policy.Parse("p.yaml", []byte(c.file))
		if err != nil {
			t.Fatal(err)
		}
		violations, unknowns := p.Judge(c.image)
		var broken []string
		for _, v := range violations {
			broken = append(broken, v.Where)
			if v.Line != 1 {
				t.Errorf("%s: line %d", c.name, v.Line)
			}
		}
		if !slices.Equal(broken, c.broken) || len(unknowns) != c.unknown {
			t.Errorf("%s: %q, %d unknown; want %q, %d", c.name, broken, len(unknowns), c.broken, c.unknown)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for file, want := range map[string][]string{
		"requires: [seal]\nmaxsize: 1\n": {"p.yaml:1:1:", `did you mean "require"`, "p.yaml:2:1:", `did you mean "maxSize"`},
		"strict: yes":                    {"true or false"},
		"require: seal":                  {"list"},
		"go: latest":                     {"1.26"},
		"maxSize: 20M":                   {"MiB"},
		"maxSize: 0":                     {"allows no image"},
		"labels: [a]":                    {"mapping"},
		"labels: {a: [b]}":               {"single value"},
		"strict: true\nstrict: false":    {"p.yaml:2:1:"},
		"a: 1\n---\nb: 2":                {"one policy"},
		"[":                              {"p.yaml:1: the YAML cannot be read"},
		"go: 1\n\t- x\n":                 {"p.yaml:2: ", "> 2 | \t- x"},
		"\xff":                           {"UTF-8"},
	} {
		_, err := policy.Parse("p.yaml", []byte(file))
		for _, part := range want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%q: %v, want %q in it", file, err, part)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("require: [seal]\nlabels: {a: b*}\nbases: [scratch]\nmaxSize: 1MiB\n"))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := policy.Parse("p", data)
		if (p == nil) == (err == nil) {
			t.Fatal("neither a policy nor an error, or both")
		}
		if p != nil {
			p.Judge(policy.Image{Labels: map[string]string{"a": "b"}})
		}
	})
}
