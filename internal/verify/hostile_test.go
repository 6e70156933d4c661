package verify_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/plimsoll-build/plimsoll/internal/tuning"
	"github.com/plimsoll-build/plimsoll/internal/verify"
)

// withLayer is a good image with one more blob on top, whatever it holds.
func withLayer(t testing.TB, blob []byte) v1.Image {
	img, err := mutate.AppendLayers(goodDraft(t).image(t), rawLayer{static.NewLayer(blob, types.OCILayer)})
	check(t, err)
	return img
}

// rawLayer is a blob that is nothing but its bytes.
type rawLayer struct{ v1.Layer }

func (l rawLayer) DiffID() (v1.Hash, error) { return l.Digest() }

// tarOf writes headers as they are: archive/tar would refuse some.
func tarOf(t testing.TB, headers ...tar.Header) []byte {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, h := range headers {
		check(t, w.WriteHeader(&h))
	}
	check(t, w.Flush())
	return append(buf.Bytes(), make([]byte, 1024)...)
}

func gzipped(t testing.TB, n int64) []byte {
	var buf bytes.Buffer
	z, err := gzip.NewWriterLevel(&buf, gzip.BestSpeed)
	check(t, err)
	_, err = io.CopyN(z, zeros{}, n)
	check(t, err)
	check(t, z.Close())
	return buf.Bytes()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// corrupt changes bytes of the first header and mends its checksum.
func corrupt(data []byte, at int, with string) []byte {
	data = bytes.Clone(data)
	copy(data[at:], with)
	sum := 8 * int(' ')
	for i, b := range data[:512] {
		if i < 148 || i >= 156 {
			sum += int(b)
		}
	}
	copy(data[148:], []byte{byte('0' + sum>>15&7), byte('0' + sum>>12&7), byte('0' + sum>>9&7), byte('0' + sum>>6&7), byte('0' + sum>>3&7), byte('0' + sum&7), 0, ' '})
	return data
}

// A layer that cannot be unpacked fails layers, and what stands on it is unknown.
func TestUnreadableLayers(t *testing.T) {
	one := tarOf(t, file("a", 0o644))
	deep := tar.Header{Typeflag: tar.TypeReg, Name: strings.Repeat("a", 90) + "/b", Mode: 0o644}
	tests := map[string][]byte{
		"no tar":                 []byte(strings.Repeat("plain words ", 100)),
		"gzip header alone":      {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff},
		"zstd header alone":      {0x28, 0xb5, 0x2f, 0xfd},
		"zstd window of 2 GiB":   {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00},
		"name out of the root":   tarOf(t, file("../../etc/passwd", 0o644)),
		"unknown type":           corrupt(one, 156, "Z"),
		"size of 8 EiB":          corrupt(one, 124, "\x80\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff"),
		"negative size":          corrupt(one, 124, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
		"hard link to nothing":   tarOf(t, tar.Header{Typeflag: tar.TypeLink, Name: "a", Linkname: "nothing"}),
		"whiteout of no name":    tarOf(t, file(".wh.", 0o644)),
		"parent is a file":       tarOf(t, file("orders/x", 0o644)),
		"parent in a link loop":  tarOf(t, link("l1", "l2"), link("l2", "l1"), file("l1/x", 0o644)),
		"cut in a header":        one[:300],
		"cut within PAX records": tarOf(t, tar.Header{Typeflag: tar.TypeReg, Name: strings.Repeat("é", 200), Mode: 0o644})[:700],
		"file without content":   tarOf(t, tar.Header{Typeflag: tar.TypeDir, Name: deep.Name})[:513],
	}
	for name, blob := range tests {
		t.Run(name, func(t *testing.T) {
			r := judge(t, withLayer(t, blob))
			if res := result(r, "layers"); res.Verdict != verify.Fail {
				t.Errorf("layers: %+v", res)
			}
			unknown := []string{"platform", "static", "cgo", "trimpath", "go-version", "variant", "metadata", "entrypoint", "memlimit", "hook", "maxprocs", "cgroup-mount", "cgroup-libs",
				"user", "rootfs", "roots", "tzdata", "accounts", "tmp", "reproducible"}
			if diff := cmp.Diff(unknown, verdicts(r, verify.Unknown)); diff != "" {
				t.Error(diff)
			}
			complete(t, r)
		})
	}
}

// What asks for too much work ends in ErrLimit.
func TestLimits(t *testing.T) {
	deep := strings.Repeat("d/", 300) + "f"
	many := make([]tar.Header, 2000)
	for i := range many {
		many[i] = file("same", 0o644)
	}
	layers := goodDraft(t)
	for range 300 {
		layers.layers = append(layers.layers, nil)
	}
	labels := goodDraft(t)
	labels.label("big", strings.Repeat("x", 9<<20))
	tests := []struct {
		name   string
		img    v1.Image
		limits verify.Limits
	}{
		{"bomb of zeros", withLayer(t, gzipped(t, 256<<20)), verify.Limits{Uncompressed: 64 << 20}},
		{"many entries", withLayer(t, tarOf(t, many...)), verify.Limits{Entries: 1000}},
		{"deep path", withLayer(t, tarOf(t, tar.Header{Typeflag: tar.TypeReg, Name: deep, Mode: 0o644})), verify.Limits{}},
		{"many layers", layers.image(t), verify.Limits{}},
		{"large label", labels.image(t), verify.Limits{}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			subject := verify.FromImage("test", tc.img)
			subject.Limits = tc.limits
			if _, err := verify.Image(t.Context(), subject); !errors.Is(err, verify.ErrLimit) {
				t.Errorf("got %v", err)
			}
		})
	}
	// A binary that is too large to look into is unknown, the rest is judged.
	subject := verify.FromImage("test", goodDraft(t).image(t))
	subject.Limits.Binary = 1000
	r, err := verify.Image(t.Context(), subject)
	check(t, err)
	if diff := cmp.Diff([]string{"platform", "static", "cgo", "trimpath", "go-version", "variant", "metadata", "memlimit", "hook", "maxprocs", "cgroup-libs", "roots", "tzdata", "accounts", "tmp"}, verdicts(r, verify.Unknown)); diff != "" || r.OK() {
		t.Error(diff)
	}
}

// A storage that fails is an error, not a verdict on the image.
func TestStorageFails(t *testing.T) {
	img, err := mutate.AppendLayers(goodDraft(t).image(t), failingLayer{static.NewLayer([]byte("x"), types.OCILayer)})
	check(t, err)
	if _, err := verify.Image(t.Context(), verify.FromImage("test", img)); !errors.Is(err, errStorage) {
		t.Errorf("got %v", err)
	}
}

var errStorage = errors.New("connection reset")

type failingLayer struct{ v1.Layer }

func (l failingLayer) DiffID() (v1.Hash, error) { return l.Digest() }

func (l failingLayer) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(io.MultiReader(strings.NewReader("a"), iotest.ErrReader(errStorage))), nil
}

// A name can stand twice in a tar, with a hard link to the first in between: the
// bytes that are judged must be those that a container would run.
func TestHardLinkKeepsOldBytes(t *testing.T) {
	for name, tc := range map[string]struct {
		first, second string
		fails         []string
	}{
		"good is linked": {"good", "pie", []string{}},
		"pie is linked":  {"pie", "good", []string{"static"}},
	} {
		d := goodDraft(t)
		data := [][]byte{program(t, tc.first), program(t, tc.second)}
		var buf bytes.Buffer
		w := tar.NewWriter(&buf)
		write := func(h tar.Header, content []byte) {
			h.Size = int64(len(content))
			check(t, w.WriteHeader(&h))
			_, err := w.Write(content)
			check(t, err)
		}
		write(file("x", 0o755), data[0])
		write(tar.Header{Typeflag: tar.TypeLink, Name: "orders", Linkname: "x"}, nil)
		write(file("x", 0o755), data[1])
		check(t, w.Close())
		d.base, d.layers = 0, d.layers[:1]
		d.label(tuning.LabelVersion, "") // sealing is not the point
		for key := range d.config.Config.Labels {
			d.label(key, "")
		}
		img, err := mutate.AppendLayers(d.image(t), d.layer(t, buf.Bytes()))
		check(t, err)
		if diff := cmp.Diff(tc.fails, verdicts(judge(t, img), verify.Fail)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// A 50 MB binary is verified in less than 150 MiB, counted as everything that was
// ever allocated on the way, collected or not, and as the peak of a process.
func TestMemory(t *testing.T) {
	d := goodDraft(t)
	d.content["orders"] = program(t, "50 MB")
	if n := len(d.content["orders"]); n < 50<<20 {
		t.Fatalf("the binary has %d bytes", n)
	}
	ref := "oci:" + writeLayout(t, d.image(t))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	reports := verifyRef(t, ref, verify.OpenOptions{})
	runtime.ReadMemStats(&after)
	if !reports.OK() {
		t.Errorf("%+v", reports)
	}
	if a := inChild(t, ref); !a.OK || a.Peak >= 150 {
		t.Errorf("alone: %+v", a)
	} else {
		t.Logf("a process of %d MiB", a.Peak)
	}
	if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib >= 150 {
		t.Errorf("%d MiB allocated", mib)
	} else {
		t.Logf("%d MiB allocated", mib)
	}
}
