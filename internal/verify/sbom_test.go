package verify

import (
	"context"
	"encoding/json"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	ggcrempty "github.com/google/go-containerregistry/pkg/v1/empty"
	ggcrlayout "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/static"

	"github.com/plimsoll-build/plimsoll/internal/gobin"
)

// spdxOf is an SPDX document: purls, and packages by name and version alone.
func spdxOf(t *testing.T, purls []string, packages ...string) spdx {
	t.Helper()
	type ref struct {
		Type    string `json:"referenceType"`
		Locator string `json:"referenceLocator"`
	}
	type pkg struct {
		Name    string `json:"name"`
		Version string `json:"versionInfo"`
		Refs    []ref  `json:"externalRefs,omitempty"`
	}
	var all []pkg
	for _, purl := range purls {
		all = append(all, pkg{Name: "x", Refs: []ref{{"purl", purl}, {"cpe23Type", "cpe:2.3:a:x"}}})
	}
	for _, p := range packages {
		name, version, _ := strings.Cut(p, "@")
		all = append(all, pkg{Name: name, Version: version})
	}
	data, err := json.Marshal(map[string]any{"packages": all})
	if err != nil {
		t.Fatal(err)
	}
	var d spdx
	if err := json.Unmarshal(data, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestSBOM(t *testing.T) {
	built := inspection{programs: []program{{path: "/svc", bin: &gobin.Binary{Build: &debug.BuildInfo{
		Main: debug.Module{Path: "example.com/svc", Version: "(devel)"},
		Deps: []*debug.Module{
			{Path: "example.org/a", Version: "v1.0.0"},
			{Path: "example.org/B", Version: "v2.0.0+incompatible"},
			{Path: "example.org/old", Version: "v1.0.0", Replace: &debug.Module{Path: "example.org/fork", Version: "v1.1.0"}},
			{Path: "example.org/near", Version: "v0.0.0", Replace: &debug.Module{Path: "./near"}},
		},
	}}}}}
	all := []string{"pkg:golang/example.org/a@v1.0.0", "pkg:golang/example.org/B@v2.0.0%2Bincompatible", "pkg:golang/example.org/fork@v1.1.0?type=module#x"}
	for name, c := range map[string]struct {
		docs    []spdx
		verdict Verdict
		where   string
	}{
		"none":            {nil, Skip, ""},
		"exact":           {[]spdx{spdxOf(t, append(slices.Clone(all), "pkg:golang/stdlib@1.26.8", "pkg:golang/example.com/svc@v0.0.0", "pkg:deb/debian/libc6@2.36"))}, Pass, ""},
		"two documents":   {[]spdx{spdxOf(t, all[:1]), spdxOf(t, all[1:])}, Pass, ""},
		"without purls":   {[]spdx{spdxOf(t, nil, "example.org/a@v1.0.0", "example.org/B@v2.0.0+incompatible", "example.org/fork@v1.1.0")}, Pass, ""},
		"one missing":     {[]spdx{spdxOf(t, all[1:])}, Fail, "/svc"},
		"another version": {[]spdx{spdxOf(t, append([]string{"pkg:golang/example.org/a@v1.0.1"}, all[1:]...))}, Fail, "/svc"},
		"one more":        {[]spdx{spdxOf(t, append(slices.Clone(all), "pkg:golang/example.org/z@v1.0.0"))}, Warn, "SBOM"},
	} {
		in := built
		in.sboms = c.docs
		o := judgeSBOM(&in)
		if o.verdict != c.verdict || c.where != "" && o.findings[0].Where != c.where {
			t.Errorf("%s: %+v, want %s at %q", name, o, c.verdict, c.where)
		}
	}
	if o := judgeSBOM(&inspection{sboms: []spdx{{}}, programs: []program{{path: "/x", err: context.Canceled}}}); o.verdict != Unknown {
		t.Errorf("a program that cannot be read: %+v", o)
	}
}

// TestAttachedSBOM reads statements from a layout, as BuildKit writes them.
func TestAttachedSBOM(t *testing.T) {
	const whole = `{"predicateType":"https://spdx.dev/Document","predicate":{"packages":[{"name":"example.org/a","versionInfo":"v1.0.0"}]}}`
	for name, c := range map[string]struct {
		statement string
		about     string // the image's digest if empty
		want      int
		broken    bool
	}{
		"whole":             {whole, "", 1, false},
		"of another image":  {whole, "sha256:" + strings.Repeat("0", 64), 0, false},
		"no JSON":           {`{"predicateType"`, "", 0, true},
		"another predicate": {`{"predicateType":"https://slsa.dev/provenance/v1"}`, "", 0, true},
		"too large":         {whole + strings.Repeat(" ", maxStatement), "", 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			subject := attested(t, c.statement, c.about)
			var found []spdx
			var err error
			for _, a := range subject.attestations {
				var docs []spdx
				if docs, err = a.documents(t.Context()); err != nil {
					break
				}
				found = append(found, docs...)
			}
			if len(found) != c.want || (err != nil) != c.broken {
				t.Errorf("%d documents, %v", len(found), err)
			}
		})
	}
}

// attested opens a layout of an image and a statement about it.
func attested(t *testing.T, statement, about string) Subject {
	t.Helper()
	img, err := random.Image(10, 1)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if about == "" {
		about = digest.String()
	}
	said, err := mutate.Append(ggcrempty.Image, mutate.Addendum{
		Layer:       static.NewLayer([]byte(statement), "application/vnd.in-toto+json"),
		Annotations: map[string]string{"in-toto.io/predicate-type": spdxPredicate},
	})
	if err != nil {
		t.Fatal(err)
	}
	index := mutate.AppendManifests(ggcrempty.Index,
		mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}},
		mutate.IndexAddendum{Add: said, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"},
			Annotations: map[string]string{
				"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": about,
			},
		}})
	dir := t.TempDir()
	if _, err := ggcrlayout.Write(dir, index); err != nil {
		t.Fatal(err)
	}
	subjects, err := Open(t.Context(), "oci:"+dir, OpenOptions{})
	if err != nil || len(subjects) != 1 {
		t.Fatalf("%d subjects, %v", len(subjects), err)
	}
	return subjects[0]
}
