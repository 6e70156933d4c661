package verify_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"

	"github.com/plimsoll-build/plimsoll/internal/verify"
)

const spdxPredicate = "https://spdx.dev/Document"

// object is a JSON object.
type object = map[string]any

// statement is an in-toto statement with an SPDX document: purls, and packages by name and
// version alone. About is the sha256 of its subject; none if empty.
func statement(t testing.TB, about string, purls []string, packages ...string) []byte {
	t.Helper()
	all := []object{{"name": "with another reference", "externalRefs": []object{{"referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a:x"}}}}
	for _, purl := range purls {
		all = append(all, object{"name": "x", "externalRefs": []object{{"referenceType": "purl", "referenceLocator": purl}}})
	}
	for _, p := range packages {
		name, version, _ := strings.Cut(p, "@")
		all = append(all, object{"name": name, "versionInfo": version})
	}
	var subject []object
	if about != "" {
		subject = []object{{"name": "other", "digest": object{"sha512": "0"}}, {"name": "_", "digest": object{"sha256": about}}}
	}
	data, err := json.Marshal(object{"_type": "https://in-toto.io/Statement/v0.1", "predicateType": spdxPredicate, "subject": subject,
		"predicate": object{"spdxVersion": "SPDX-2.3", "files": []object{{"nested": []any{1, nil, object{}}}}, "packages": all}})
	check(t, err)
	return data
}

func hexDigest(t testing.TB, img v1.Image) string {
	digest, err := img.Digest()
	check(t, err)
	return digest.Hex
}

// attested is a layout of an image, with one attestation for each list of statements.
func attested(t testing.TB, img v1.Image, attestations ...[][]byte) string {
	t.Helper()
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}})
	for i, statements := range attestations {
		said := empty.Image
		for _, data := range statements {
			var err error
			said, err = mutate.Append(said, mutate.Addendum{
				Layer:       static.NewLayer(data, "application/vnd.in-toto+json"),
				Annotations: map[string]string{"in-toto.io/predicate-type": spdxPredicate},
			})
			check(t, err)
		}
		said = mutate.Annotations(said, map[string]string{"number": strconv.Itoa(i)}).(v1.Image) // each has its own digest
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: said, Descriptor: v1.Descriptor{
			Platform:    &v1.Platform{OS: "unknown", Architecture: "unknown"},
			Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": "sha256:" + hexDigest(t, img)},
		}})
	}
	dir := t.TempDir()
	_, err := layout.Write(dir, index)
	check(t, err)
	return dir
}

// needsModule is an image of which the program was built from one module, and its purl.
func needsModule(t testing.TB) (img v1.Image, module, purl string) {
	d := goodDraft(t)
	d.content["orders"] = program(t, "with a module")
	module = "golang.org/x/mod@" + versionOf("golang.org/x/mod")
	return d.image(t), module, "pkg:golang/" + module
}

// An attested SBOM is held against the modules of the programs and against the image.
func TestSBOM(t *testing.T) {
	img, module, purl := needsModule(t)
	own, other := hexDigest(t, img), strings.Repeat("0", 64)
	huge := func(n int) []byte { return append(statement(t, own, []string{purl}), bytes.Repeat([]byte(" "), n)...) }
	said := func(about string, purls []string, packages ...string) [][]byte {
		return [][]byte{statement(t, about, purls, packages...)}
	}
	tests := map[string]struct {
		attestations [][][]byte
		want         verify.Verdict
		says         string // part of the reason or of the first finding
	}{
		"none":                         {nil, skip, "no SBOM"},
		"exact":                        {[][][]byte{said(own, []string{purl, "pkg:golang/stdlib@1.26.8", "pkg:golang/example.com/orders@v0.0.0", "pkg:deb/debian/libc6@2.36"})}, pass, "one module"},
		"escaped, with a type":         {[][][]byte{said(own, []string{strings.Replace(purl, "@v", "@%76", 1) + "?type=module#x"})}, pass, "one module"},
		"no subject":                   {[][][]byte{said("", []string{purl})}, pass, "one module"},
		"without purls":                {[][][]byte{said(own, nil, module)}, pass, "one module"},
		"two statements":               {[][][]byte{{statement(t, own, nil), statement(t, own, []string{purl})}}, pass, "one module"},
		"two attestations":             {[][][]byte{said(own, nil), said(own, []string{purl})}, pass, "one module"},
		"one missing":                  {[][][]byte{said(own, nil)}, fail, "built from " + module},
		"another version":              {[][][]byte{said(own, []string{purl + "1"})}, fail, "built from " + module},
		"one more":                     {[][][]byte{said(own, []string{purl, "pkg:golang/example.org/z@v1.0.0"})}, warn, "example.org/z@v1.0.0"},
		"about another image":          {[][][]byte{said(other, []string{purl})}, fail, "about " + other},
		"about nothing with a sha256":  {[][][]byte{{bytes.Replace(statement(t, own, []string{purl}), []byte(`"sha256"`), []byte(`"sha512"`), 1)}}, fail, "no sha256"},
		"no JSON":                      {[][][]byte{{[]byte(`{"predicateType"`)}}, unknown, "malformed"},
		"another predicate":            {[][][]byte{{[]byte(`{"predicateType":"https://slsa.dev/provenance/v1"}`)}}, unknown, "malformed"},
		"packages twice":               {[][][]byte{{[]byte(`{"predicateType":"` + spdxPredicate + `","predicate":{"packages":[],"packages":[]}}`)}}, unknown, "malformed"},
		"two documents in a statement": {[][][]byte{{append(statement(t, own, []string{purl}), statement(t, own, nil)...)}}, unknown, "malformed"},
		"deep":                         {[][][]byte{{[]byte(`{"x":` + strings.Repeat("[", 5000))}}, unknown, "limits"},
		"packages without end":         {[][][]byte{{[]byte(`{"predicate":{"packages":[` + strings.Repeat(`{"name":"x"},`, 1000))}}, unknown, "malformed"},
		"a name of 1 MiB":              {[][][]byte{said(own, nil, strings.Repeat("x", 1<<20))}, unknown, "limits"},
		"over 16 MiB":                  {[][][]byte{{huge(16 << 20)}}, unknown, "limits"},
		"over 32 MiB together":         {[][][]byte{{huge(12 << 20)}, {huge(12 << 20)}, {huge(12 << 20)}}, unknown, "limits"},
		"17 attestations":              {make([][][]byte, 17), unknown, "17 attestations"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			r := verifyRef(t, "oci:"+attested(t, img, tc.attestations...), verify.OpenOptions{})[0]
			res := result(r, "sbom")
			text := res.Reason
			if len(res.Findings) > 0 {
				text = res.Findings[0].Got
			}
			if res.Verdict != tc.want || !strings.Contains(text, tc.says) {
				t.Errorf("%+v, want %s with %q", res, tc.want, tc.says)
			}
			if bad := tc.want == fail || tc.want == unknown; r.OK() == bad {
				t.Errorf("the report is ok: %v", r.OK())
			}
			complete(t, r)
		})
	}
}

// An attestation that is not there, or that was changed, is unknown and says which of both.
func TestSBOMStorage(t *testing.T) {
	img, _, purl := needsModule(t)
	data := statement(t, hexDigest(t, img), []string{purl})
	sum := sha256.Sum256(data)
	for name, tc := range map[string]struct {
		spoil func(blob string) error
		says  string
	}{
		"missing": {os.Remove, "reading it"},
		"changed": {func(blob string) error {
			return os.WriteFile(blob, bytes.Replace(data, []byte("v0.1"), []byte("v0.2"), 1), 0o644)
		}, "malformed"},
	} {
		dir := attested(t, img, [][]byte{data})
		check(t, tc.spoil(filepath.Join(dir, "blobs/sha256", hex.EncodeToString(sum[:]))))
		res := result(verifyRef(t, "oci:"+dir, verify.OpenOptions{})[0], "sbom")
		if res.Verdict != unknown || !strings.Contains(res.Reason, tc.says) || (tc.says != "malformed" && strings.Contains(res.Reason, "malformed")) {
			t.Errorf("%s: %+v", name, res)
		}
	}
}
