package rootdata

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// roots is Mozilla's store, split by what a PEM file can say.
type roots struct {
	pem      []byte
	excluded []string
}

// bundled reads x509roots once. A root with a constraint (Mozilla trusts it only
// for certificates issued before some date) is left out: a PEM file has no place
// for the constraint, and without it the root would be trusted for everything.
var bundled = sync.OnceValue(func() roots {
	type root struct{ name, text string }
	var kept []root
	var out roots
	for r := range bundle.Roots() {
		name := rootName(r.Certificate)
		if r.Constraint != nil {
			out.excluded = append(out.excluded, name)
			continue
		}
		block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate})
		kept = append(kept, root{name, "# " + name + "\n" + string(block)})
	}
	slices.SortFunc(kept, func(a, b root) int { return strings.Compare(a.text, b.text) })
	var buf bytes.Buffer
	for _, r := range kept {
		buf.WriteString(r.text)
	}
	out.pem = buf.Bytes()
	slices.Sort(out.excluded)
	return out
})

// rootName is the certificate's subject as one line of printable text; where the
// subject cannot be read, as for a root that a future Go refuses to parse, the
// name says so and the bytes still go in.
func rootName(der []byte) string {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Sprintf("unreadable subject (%d bytes)", len(der))
	}
	name := cert.Subject.String()
	if cert.Subject.CommonName != "" {
		name = "CN=" + cert.Subject.CommonName
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, name)
}

// ExcludedRoots names the roots of Mozilla's store that CARoots leaves out since
// they carry a constraint that PEM cannot express, sorted.
func ExcludedRoots() []string { return slices.Clone(bundled().excluded) }
