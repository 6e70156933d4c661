package rootdata_test

import (
	"archive/zip"
	"bytes"
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/plimsoll-build/plimsoll/internal/rootdata"
)

func TestLookupAndDigestAgree(t *testing.T) {
	if !slices.IsSorted(rootdata.Names()) {
		t.Errorf("names are not sorted: %v", rootdata.Names())
	}
	for _, name := range rootdata.Names() {
		data, ok := rootdata.Lookup(name)
		if !ok || len(data) == 0 {
			t.Fatalf("%s: not found or empty", name)
		}
		sum := sha256.Sum256(data)
		if got, want := rootdata.Digest(name), "sha256:"+hex.EncodeToString(sum[:]); got != want {
			t.Errorf("%s: digest %s, bytes hash to %s", name, got, want)
		}
		data[0] ^= 0xff
		if again, _ := rootdata.Lookup(name); again[0] == data[0] {
			t.Errorf("%s: a caller's write reached the data", name)
		}
	}
	if _, ok := rootdata.Lookup("../zoneinfo.zip"); ok || rootdata.Digest("../zoneinfo.zip") != "" {
		t.Error("an unknown name was found")
	}
}

// The digests are part of every plan: a change here changes every image on
// scratch, so it must be meant and stand in the changelog.
func TestDigestsAreHeld(t *testing.T) {
	want := map[string]string{
		rootdata.CARoots:  "sha256:b81f4de884a538f446e50dee1d64f7216c0f63edcd07eac080d724b5a7fce955",
		rootdata.Zoneinfo: "sha256:8f55634d05f8bca1f7bc7c69c5933428c69357e0bdf565e5ba224e3f88ff12e8",
	}
	for _, name := range rootdata.Names() {
		if got := rootdata.Digest(name); got != want[name] {
			t.Errorf("%s: digest %s, held %s", name, got, want[name])
		}
	}
}

func TestCARootsAreTheUnconstrainedOnes(t *testing.T) {
	in, out := map[string]bool{}, map[string]bool{}
	for r := range bundle.Roots() {
		if r.Constraint != nil {
			out[string(r.Certificate)] = true
		} else {
			in[string(r.Certificate)] = true
		}
	}
	if len(out) == 0 {
		t.Fatal("the bundle has no constrained root: this test proves nothing")
	}
	if got := rootdata.ExcludedRoots(); len(got) != len(out) || !slices.IsSorted(got) {
		t.Errorf("excluded roots %q, the bundle has %d constrained ones", got, len(out))
	}
	rest, _ := rootdata.Lookup(rootdata.CARoots)
	count := 0
	for block := (*pem.Block)(nil); ; count++ {
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			t.Errorf("certificate %d: %v", count, err)
		}
		if out[string(block.Bytes)] || !in[string(block.Bytes)] {
			t.Errorf("certificate %d is constrained or not of the bundle", count)
		}
	}
	if count != len(in) || len(bytes.TrimSpace(rest)) != 0 {
		t.Errorf("%d certificates and %d bytes after them, want %d and none", count, len(rest), len(in))
	}
}

// A client trusts what the PEM file holds: this is how crypto/x509 itself reads it.
func TestCARootsLoadAsAPool(t *testing.T) {
	data, _ := rootdata.Lookup(rootdata.CARoots)
	if !x509.NewCertPool().AppendCertsFromPEM(data) {
		t.Fatal("crypto/x509 takes no certificate from the file")
	}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") && !strings.Contains(line, "=") {
			t.Errorf("comment %q names no subject", line)
		}
	}
	comments := strings.Count(string(data), "\n# ") + 1
	if begins := strings.Count(string(data), "-----BEGIN CERTIFICATE-----"); comments != begins {
		t.Errorf("%d comments for %d certificates", comments, begins)
	}
}

func TestZoneinfoIsAZipThatGoReads(t *testing.T) {
	data, _ := rootdata.Lookup(rootdata.Zoneinfo)
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.File {
		if f.Method != zip.Store {
			t.Fatalf("%s is compressed: package time reads stored entries only", f.Name)
		}
	}
	// A zone that no system has, by renaming one inside the archive: what answers
	// to it can only have come through ZONEINFO.
	renamed := bytes.ReplaceAll(data, []byte("Europe/Berlin"), []byte("Plimso/Berlin"))
	file := filepath.Join(t.TempDir(), "zoneinfo.zip")
	if err := os.WriteFile(file, renamed, 0o600); err != nil {
		t.Fatal(err)
	}
	// Package time reads ZONEINFO once per process: a child has a fresh one.
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestZoneChild$", "-test.v")
	cmd.Env = []string{"ZONE_CHILD=Plimso/Berlin", "ZONEINFO=" + file}
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("2026-07-01T14:00:00+02:00")) {
		t.Errorf("loading a zone through ZONEINFO: %v, output:\n%s", err, out)
	}
}

// TestZoneChild is the other process of TestZoneinfoIsAZipThatGoReads.
func TestZoneChild(t *testing.T) {
	name := cmp.Or(os.Getenv("ZONE_CHILD"), "UTC")
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC).In(zone).Format(time.RFC3339))
}

func TestAccounts(t *testing.T) {
	const root = "root:x:0:0:root:/root:/sbin/nologin\n"
	tests := []struct {
		uid, gid      int
		passwd, group string
	}{
		{65532, 65532, root + "nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n", "root:x:0:\nnonroot:x:65532:\n"},
		{1000, 0, root + "nonroot:x:1000:0:nonroot:/home/nonroot:/sbin/nologin\n", "root:x:0:\n"},
		{0, 0, root, "root:x:0:\n"},
		{0, 5, root, "root:x:0:\nnonroot:x:5:\n"},
	}
	for _, tc := range tests {
		if got := string(rootdata.Passwd(tc.uid, tc.gid)); got != tc.passwd {
			t.Errorf("passwd of %d:%d is %q", tc.uid, tc.gid, got)
		}
		if got := string(rootdata.Group(tc.gid)); got != tc.group {
			t.Errorf("group of %d is %q", tc.gid, got)
		}
	}
}
