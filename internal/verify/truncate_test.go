package verify_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/verify"
)

// Truncated at every KiB, nothing is ok and nothing panics.
func TestTruncatedArchive(t *testing.T) {
	file := archive(t, writeLayout(t, goodDraft(t).image(t)))
	data, err := os.ReadFile(file)
	check(t, err)
	const trailer = 1024 // the end of a tar may be missing without loss
	for n := 0; n < len(data)-trailer; n += 1024 {
		check(t, os.WriteFile(file, data[:n], 0o644))
		notOK(t, "oci-archive:"+file, n)
	}
}

func TestTruncatedBlobs(t *testing.T) {
	dir := writeLayout(t, goodDraft(t).image(t))
	check(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil || filepath.Base(path) == "oci-layout" {
			return err
		}
		for n := 0; n < len(data); n += max(1024, len(data)/40) {
			check(t, os.WriteFile(path, data[:n], 0o644))
			notOK(t, "oci:"+dir, n)
		}
		return os.WriteFile(path, data, 0o644)
	}))
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
