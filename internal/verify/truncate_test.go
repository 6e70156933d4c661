package verify_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/verify"
)

// cutAt is the distance of the places at which files are cut.
const cutAt = 4096

// Archives that are cut are an error, or not ok; nothing panics.
func TestTruncatedArchives(t *testing.T) {
	img := goodDraft(t).image(t)
	for form, file := range map[string]string{"oci-archive": archive(t, writeLayout(t, img)), "docker-archive": dockerArchive(t, img)} {
		data, err := os.ReadFile(file)
		check(t, err)
		const trailer = 1024 // the end of a tar may be missing without loss
		for n := 0; n < len(data)-trailer; n += cutAt {
			check(t, os.WriteFile(file, data[:n], 0o644))
			notOK(t, form+":"+file, n)
		}
		check(t, os.WriteFile(file, data, 0o644))
		if !verifyRef(t, form+":"+file, verify.OpenOptions{}).OK() {
			t.Errorf("%s: the whole archive is not ok", form)
		}
	}
}

// So are blobs of a layout, an attested statement among them.
func TestTruncatedBlobs(t *testing.T) {
	img, _, purl := needsModule(t)
	dir := attested(t, img, [][]byte{statement(t, hexDigest(t, img), []string{purl})})
	blobs := 0
	check(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		// The attestation's own config says nothing that is read.
		unread := bytes.Contains(data, []byte(`"rootfs"`)) && !bytes.Contains(data, []byte("/orders"))
		if err != nil || filepath.Base(path) == "oci-layout" || unread {
			return err
		}
		blobs++
		for n := 0; n < len(data); n += cutAt {
			check(t, os.WriteFile(path, data[:n], 0o644))
			notOK(t, "oci:"+dir, n)
		}
		check(t, os.WriteFile(path, data[:len(data)-1], 0o644))
		notOK(t, "oci:"+dir, len(data)-1)
		return os.WriteFile(path, data, 0o644)
	}))
	const all = 7 // index, manifest, config, two layers; the attestation's manifest and statement
	if blobs != all {
		t.Errorf("%d blobs, not %d", blobs, all)
	}
	if !verifyRef(t, "oci:"+dir, verify.OpenOptions{}).OK() {
		t.Error("the whole layout is not ok")
	}
}

func notOK(t *testing.T, ref string, n int) {
	subjects, err := verify.Open(t.Context(), ref, verify.OpenOptions{})
	if err != nil {
		return
	}
	if reports, err := verify.All(t.Context(), subjects); err == nil && reports.OK() {
		t.Errorf("%s cut to %d bytes is ok", ref, n)
	}
}
