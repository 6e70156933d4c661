package e2e

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/klauspost/compress/zstd"

	"github.com/plimsoll-build/plimsoll/internal/testenv"
)

const privateApp = `
-- plimsoll.yaml --
# syntax=ghcr.io/plimsoll-build/plimsoll:1
apiVersion: plimsoll.build/v1
name: app
build:
  private: {netrc: creds, ca: corp}
-- go.mod --
module example.com/app

go 1.26

require git.example.com/secret v1.0.0
-- main.go --
package main

import "git.example.com/secret"

func main() { println(secret.Word) }
`

// TestPrivateModules fetches a module from a proxy that wants a password and that only a
// private CA vouches for. Nothing that remains may know the password: no layer, config,
// label, history, provenance, cache export, and no log.
func TestPrivateModules(t *testing.T) {
	b := bed(t)
	const canary = "canary-4f1c9d"
	proxy := testenv.NewModuleProxy(t, testenv.Credentials{User: "robot", Password: canary}, map[string]fs.FS{
		"git.example.com/secret@v1.0.0": fstest.MapFS{
			"go.mod":    {Data: []byte("module git.example.com/secret\n\ngo 1.26\n")},
			"secret.go": {Data: []byte("package secret\n\nconst Word = \"found\"\n")},
		},
	})
	dir, outside := unpack(t, privateApp), t.TempDir()
	netrc, ca := filepath.Join(outside, "netrc"), filepath.Join(outside, "ca.pem")
	for file, data := range map[string][]byte{netrc: proxy.Netrc, ca: proxy.CA} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	goSum(t, dir, netrc, ca, proxy.URL)

	secrets := []string{"--secret", "id=creds,src=" + netrc, "--secret", "id=corp,src=" + ca, "--build-arg", "GOPROXY=" + proxy.URL, "--build-arg", "GONOSUMDB=git.example.com"}
	ref, cache := b.Registry.Addr+"/private/app:1", b.Registry.Addr+"/private/cache:1"
	args := append([]string{"build", "--progress=plain", "-f", dir + "/plimsoll.yaml", "--provenance=mode=max", "--sbom=true",
		"--push", "-t", ref, "--cache-to", "type=registry,ref=" + cache + ",mode=max"}, secrets...)
	res := b.Buildx(t, nil, append(args, dir)...).Must(t)
	lacks(t, "buildx's output", res.Stdout+res.Stderr, canary)
	plimsoll(t, b, nil, "verify", ref).must(t)
	searchRegistry(t, b, canary)

	layout := filepath.Join(t.TempDir(), "layout")
	embedded := plimsoll(t, b, []string{"GOMODCACHE=" + filepath.Join(outside, "mod"), "GOFLAGS=-modcacherw"},
		append(append([]string{"build", "-o", "type=oci,tar=false,dest=" + layout}, secrets...), dir)...).must(t)
	t.Cleanup(func() { makeWritable(outside) })
	lacks(t, "plimsoll's output", embedded.stdout+embedded.stderr, canary)
	for platform, img := range images(t, layout) {
		if bytes.Contains(allBytes(t, img), []byte(canary)) {
			t.Errorf("the image for %s holds the password", platform)
		}
	}
	run := testenv.RunImage(t, layout, testenv.RunOptions{})
	has(t, "the service", run.Stderr, "found")
}

// goSum writes go.sum as a developer with the password would.
func goSum(t *testing.T, dir, netrc, ca, proxy string) {
	t.Helper()
	cache := t.TempDir()
	t.Cleanup(func() { makeWritable(cache) })
	runGo(t, dir, []string{"NETRC=" + netrc, "SSL_CERT_FILE=" + ca, "GOPROXY=" + proxy, "GONOSUMDB=git.example.com", "GOMODCACHE=" + cache, "GOFLAGS="}, "mod", "tidy")
}

// searchRegistry looks through every blob that was pushed, compressed or not.
func searchRegistry(t *testing.T, b *testenv.Bed, canary string) {
	t.Helper()
	blobs := 0
	err := filepath.WalkDir(b.Registry.Dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		blobs++
		for _, text := range append([][]byte{data}, uncompressed(data)...) {
			if bytes.Contains(text, []byte(canary)) {
				t.Errorf("blob %s holds the password", filepath.Base(file))
			}
		}
		return nil
	})
	if err != nil || blobs == 0 {
		t.Fatalf("searched %d blobs: %v", blobs, err)
	}
}

func uncompressed(data []byte) [][]byte {
	if r, err := gzip.NewReader(bytes.NewReader(data)); err == nil {
		if text, err := io.ReadAll(r); err == nil {
			return [][]byte{text}
		}
	}
	if d, err := zstd.NewReader(nil); err == nil {
		defer d.Close()
		if text, err := d.DecodeAll(data, nil); err == nil {
			return [][]byte{text}
		}
	}
	return nil
}

// makeWritable lets a module cache be removed.
func makeWritable(dir string) {
	_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(p, 0o755)
		}
		return nil
	})
}

// TestSecretOfTheEnvironment gives a secret by the name of a variable.
func TestSecretOfTheEnvironment(t *testing.T) {
	b := bed(t)
	res := plimsoll(t, b, nil, "build", "--secret", "id=creds,env=NO_SUCH_VARIABLE", unpack(t, app))
	if res.code != 2 || !strings.Contains(res.stderr, "NO_SUCH_VARIABLE") {
		t.Errorf("exit code %d: %s", res.code, res.stderr)
	}
}
