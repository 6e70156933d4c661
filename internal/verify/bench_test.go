package verify_test

import (
	"compress/gzip"
	"crypto/sha256"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/plimsoll-build/plimsoll/internal/verify"
)

// BenchmarkVerify holds verify against reading, unzipping and hashing the layers once, in
// the same run: x-cpu is the ratio of user and system time, which is to be at most 1.5.
func BenchmarkVerify(b *testing.B) {
	for name, data := range map[string]func(b *testing.B) []byte{
		"noise": func(b *testing.B) []byte { return program(b, "50 MB") },
		"real":  ownProgram,
	} {
		b.Run(name, func(b *testing.B) {
			d := goodDraft(b)
			d.content["orders"] = data(b)
			img := d.image(b)
			dir := writeLayout(b, img)
			b.SetBytes(int64(len(d.content["orders"])))
			var ours, peers time.Duration
			for b.Loop() {
				ours += cpu(b, func() error { return verifyOnce(b, "oci:"+dir) })
				peers += cpu(b, func() error { return readOnce(dir, img) })
			}
			b.ReportMetric(float64(ours)/float64(peers), "x-cpu")
			b.ReportMetric(ours.Seconds()*1000/float64(b.N), "verify-ms")
			b.ReportMetric(peers.Seconds()*1000/float64(b.N), "peer-ms")
		})
	}
}

// ownProgram is this module's command, with its symbols: what a large service is like.
func ownProgram(b *testing.B) []byte {
	out := filepath.Join(b.TempDir(), "plimsoll")
	cmd := exec.Command("go", "build", "-trimpath", "-o", out, "../../cmd/plimsoll")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if msg, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, msg)
	}
	data, err := os.ReadFile(out)
	check(b, err)
	return data
}

func verifyOnce(b *testing.B, ref string) error {
	subjects, err := verify.Open(b.Context(), ref, verify.OpenOptions{})
	if err != nil {
		return err
	}
	reports, err := verify.All(b.Context(), subjects)
	if err == nil && len(reports[0].Binaries) != 1 {
		b.Error("the program was not looked into")
	}
	return err
}

// readOnce is the peer: it says nothing of what it reads.
func readOnce(dir string, img v1.Image) error {
	m, err := img.Manifest()
	if err != nil {
		return err
	}
	for _, l := range m.Layers {
		f, err := os.Open(filepath.Join(dir, "blobs/sha256", l.Digest.Hex))
		if err != nil {
			return err
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			return err
		}
		if _, err := io.Copy(sha256.New(), z); err != nil {
			return err
		}
		f.Close()
	}
	return nil
}

// cpu is the processor time, of user and system, that a function takes.
func cpu(b *testing.B, f func() error) time.Duration {
	used := func() time.Duration {
		var u syscall.Rusage
		check(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := used()
	check(b, f())
	return used() - before
}
