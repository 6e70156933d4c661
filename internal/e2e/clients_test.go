package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll-build/plimsoll/internal/testenv"
)

// buildxApp builds the small service through buildx into a layout.
func buildxApp(t *testing.T, b *testenv.Bed, dir string, args ...string) string {
	t.Helper()
	dest := filepath.Join(t.TempDir(), "layout")
	args = append([]string{"build", "--provenance=false", "-f", dir + "/plimsoll.yaml", "-o", "type=oci,tar=false,dest=" + dest}, args...)
	b.Buildx(t, nil, append(args, dir)...).Must(t)
	return dest
}

func TestPush(t *testing.T) {
	b := bed(t)
	dir := unpack(t, app)
	ref := b.Registry.Addr + "/push/app:1"
	b.Buildx(t, nil, "build", "--platform", bothPlatforms, "-f", dir+"/plimsoll.yaml", "--push", "-t", ref, dir).Must(t)
	has(t, "verify", plimsoll(t, b, nil, "verify", ref).must(t).stdout, "linux/arm64") // with BuildKit's provenance in the index
}

func TestLocalOutputsAndTargets(t *testing.T) {
	b := bed(t)
	dir, out := unpack(t, app), t.TempDir()
	b.Buildx(t, nil, "build", "-f", dir+"/plimsoll.yaml", "-o", "type=local,dest="+out+"/root", dir).Must(t)
	for _, name := range []string{"app", "data/deep/b.txt", "etc/passwd"} {
		if _, err := os.Stat(filepath.Join(out, "root", name)); err != nil {
			t.Error(err)
		}
	}
	b.Buildx(t, nil, "build", "-f", dir+"/plimsoll.yaml", "--target", "binary", "-o", out+"/bin", dir).Must(t)
	printed, err := exec.Command(filepath.Join(out, "bin", "app")).CombinedOutput()
	if err != nil || !strings.Contains(string(printed), "hello") {
		t.Errorf("the binary says %q, %v", printed, err)
	}
	b.Buildx(t, nil, "build", "-f", dir+"/plimsoll.yaml", "--target", "plan", "-o", out+"/plan", dir).Must(t)
	fromDaemon, err := os.ReadFile(filepath.Join(out, "plan", "plan.json"))
	if err != nil {
		t.Fatal(err)
	}
	fromCLI := plimsoll(t, b, nil, "plan", dir).must(t).stdout
	if diff := cmp.Diff(fromCLI, string(fromDaemon)); diff != "" {
		t.Errorf("the two plans differ:\n%s", diff)
	}
	res := b.Buildx(t, nil, "build", "-f", dir+"/plimsoll.yaml", "--target", "debug", dir)
	has(t, "the refusal of --target debug", res.Stderr, "not supported yet")
}

// TestFlagsReachTheImage gives each flag to buildx and to plimsoll, and compares.
func TestFlagsReachTheImage(t *testing.T) {
	b := bed(t)
	dir := unpack(t, app)
	flags := []string{"--build-arg", "VERSION=1.2.3", "--build-arg", "WORD=goodbye", "--build-arg", "SOURCE_DATE_EPOCH=1700000000",
		"--label", "team=payments", "--annotation", "note=hi", "--build-arg", "REVISION=abc"}
	layout := buildxApp(t, b, dir, flags...)
	img := images(t, layout)["linux/amd64"]
	c := config(t, img).Config
	for key, want := range map[string]string{
		"org.opencontainers.image.version": "1.2.3", "org.opencontainers.image.revision": "abc", "team": "payments",
		"org.opencontainers.image.created": "2023-11-14T22:13:20Z",
	} {
		if c.Labels[key] != want {
			t.Errorf("label %s is %q, want %q", key, c.Labels[key], want)
		}
	}
	m, err := img.Manifest()
	if err != nil || m.Annotations["note"] != "hi" || m.Annotations["team"] != "payments" {
		t.Errorf("annotations %v, %v", m.Annotations, err)
	}
	for name, f := range files(t, img) {
		if name != "/" && f.header.ModTime.Unix() != 1700000000 {
			t.Errorf("%s is of %s", name, f.header.ModTime)
		}
	}
	res := testenv.RunImage(t, layout, testenv.RunOptions{})
	has(t, "the service", res.Stderr, "goodbye 1.2.3")
	same(t, img, images(t, embeddedLayout(t, b, append(flags, dir)...))["linux/amd64"])

	undeclared := b.Buildx(t, nil, "build", "-f", dir+"/plimsoll.yaml", "--build-arg", "NONSENSE=1", dir).Must(t)
	has(t, "buildx's output", undeclared.Stderr, "NONSENSE")
}

// TestNamedContexts replaces the base and the toolchain.
func TestNamedContexts(t *testing.T) {
	b := bed(t)
	dir := unpack(t, strings.Replace(app, "image:\n", "image:\n  base: static\n", 1))
	static := "static=docker-image://" + b.Registry.Addr + "/distroless/static-debian12:nonroot"
	toolchain := "toolchain=docker-image://" + b.Registry.Addr + "/library/golang:1.26-alpine"
	img := images(t, buildxApp(t, b, dir, "--build-context", static, "--build-context", toolchain))["linux/amd64"]
	same(t, img, images(t, embeddedLayout(t, b, "--build-context", static, dir))["linux/amd64"])

	base := filepath.Join(t.TempDir(), "base")
	// Of another time, and without the volume: BuildKit leaves out of a layer what its base
	// holds in the same state, and a directory's time is no state (docs/engines.md).
	dir = unpack(t, strings.Replace(app, "image:\n", "image:\n  base: static\n", 1))
	dropVolumes(t, dir)
	plimsoll(t, b, nil, "build", "-q", "--platform", bothPlatforms, "--build-arg", "SOURCE_DATE_EPOCH=1000", "-o", "type=oci,tar=false,dest="+base, unpack(t, app)).must(t)
	layoutBase := "static=oci-layout://" + base + ":latest"
	img = images(t, buildxApp(t, b, dir, "--build-context", layoutBase))["linux/amd64"]
	same(t, img, images(t, embeddedLayout(t, b, "--build-context", layoutBase, dir))["linux/amd64"])
}

// TestBaseWithoutADigest stands on a directory: the image builds and runs, and verify says
// what it cannot know.
func TestBaseWithoutADigest(t *testing.T) {
	b := bed(t)
	dir, root := unpack(t, strings.Replace(app, "image:\n", "image:\n  base: static\n", 1)), t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "beneath"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	layout := buildxApp(t, b, dir, "--build-context", "static="+root)
	labels := config(t, images(t, layout)["linux/amd64"]).Config.Labels
	if _, ok := labels["org.opencontainers.image.base.digest"]; ok {
		t.Errorf("labels %v name a digest", labels)
	}
	res := plimsoll(t, b, nil, "verify", "oci:"+layout)
	if res.code != 1 || !strings.Contains(res.stdout, "unknown  seal") || strings.Contains(res.stdout, "fail ") {
		t.Errorf("verify: exit code %d\n%s", res.code, res.stdout)
	}
	embedded := plimsoll(t, b, nil, "build", "--build-context", "static="+root, dir)
	if embedded.code == 0 || !strings.Contains(embedded.stderr, "takes docker-image:// and oci-layout://") {
		t.Errorf("the embedded engine takes a directory: %s", embedded.stderr)
	}
}

func dropVolumes(t *testing.T, dir string) {
	t.Helper()
	file := filepath.Join(dir, "plimsoll.yaml")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data = bytes.Replace(data, []byte("  volumes: [/var/lib/app]\n"), nil, 1)
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestRegistryCache exports the cache of one daemon and imports it in a fresh one, where
// nothing has to be compiled; --no-cache compiles all the same.
func TestRegistryCache(t *testing.T) {
	b := bed(t)
	dir := unpack(t, app)
	cache := "type=registry,ref=" + b.Registry.Addr + "/cache/app:1"
	build := []string{"build", "--progress=plain", "-f", dir + "/plimsoll.yaml", "-o", "type=oci,dest=" + filepath.Join(t.TempDir(), "a.tar")}
	b.Buildx(t, nil, append(build, "--cache-to", cache+",mode=max", dir)...).Must(t)

	fresh := b.FreshDaemon(t)
	out := b.BuildxOn(t, fresh, nil, append(build, "--cache-from", cache, dir)...).Must(t).Stderr
	if step := stepOf(out, "link app"); !strings.Contains(step, "CACHED") {
		t.Errorf("the compile was not cached:\n%s", out)
	}
	out = b.BuildxOn(t, fresh, nil, append(build, "--no-cache", dir)...).Must(t).Stderr
	if step := stepOf(out, "link app"); step == "" || strings.Contains(step, "CACHED") {
		t.Errorf("--no-cache did not compile:\n%s", out)
	}
}

// stepOf is what plain progress says of the vertex with that name.
func stepOf(progress, name string) string {
	var number string
	var lines []string
	for line := range strings.SplitSeq(progress, "\n") {
		n, rest, _ := strings.Cut(line, " ")
		if strings.Contains(rest, name) && strings.HasPrefix(n, "#") {
			number = n
		}
		if n == number && number != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

func TestSBOMAndProvenance(t *testing.T) {
	b := bed(t)
	dir := unpack(t, app)
	ref := b.Registry.Addr + "/attest/app:1"
	b.Buildx(t, nil, "build", "-f", dir+"/plimsoll.yaml", "--sbom=true", "--provenance=mode=max", "--push", "-t", ref, dir).Must(t)
	has(t, "verify", plimsoll(t, b, nil, "verify", ref).must(t).stdout, "pass     sbom")
	for _, want := range []string{"SPDX", "SLSA"} {
		res := b.Buildx(t, nil, "imagetools", "inspect", "--format", "{{json ."+map[string]string{"SPDX": "SBOM", "SLSA": "Provenance"}[want]+"}}", ref).Must(t)
		has(t, "the attestation", res.Stdout, want)
	}
}

// TestBake builds a service over a base that is another target of the same file.
func TestBake(t *testing.T) {
	b := bed(t)
	base, over := unpack(t, app), unpack(t, strings.Replace(app, "image:\n", "image:\n  base: static\n", 1))
	dest, file := filepath.Join(t.TempDir(), "layout"), filepath.Join(t.TempDir(), "bake.hcl")
	hcl := fmt.Sprintf(`
target "base" {
  context    = %[1]q
  dockerfile = "plimsoll.yaml"
}
target "service" {
  context    = %[2]q
  dockerfile = "plimsoll.yaml"
  args       = { WORD = "baked" }
  contexts   = { static = "target:base" }
  attest     = ["type=provenance,disabled=true"]
  output     = ["type=oci,tar=false,dest=%[3]s"]
}
`, base, over, dest)
	if err := os.WriteFile(file, []byte(hcl), 0o644); err != nil {
		t.Fatal(err)
	}
	b.Buildx(t, nil, "bake", "--allow=fs=*", "-f", file, "service").Must(t)
	has(t, "the service", testenv.RunImage(t, dest, testenv.RunOptions{}).Stderr, "baked")
}

// TestEngineBuildKit is our own command as the daemon's client.
func TestEngineBuildKit(t *testing.T) {
	b := bed(t)
	dir, dest := unpack(t, app), filepath.Join(t.TempDir(), "layout")
	res := plimsoll(t, b, nil, "build", "--addr", b.Daemon.Addr, "--progress", "plain", "-o", "type=oci,tar=false,dest="+dest, dir).must(t)
	has(t, "stdout", res.stdout, "oci:"+dest+"@sha256:")
	has(t, "progress", res.stderr, "link app")
	has(t, "the summary", res.stderr, "verified, ")
	plimsoll(t, b, nil, "verify", strings.TrimSpace(res.stdout)).must(t)
	same(t, images(t, dest)["linux/amd64"], images(t, embeddedLayout(t, b, dir))["linux/amd64"])

	zstd := filepath.Join(t.TempDir(), "zstd")
	plimsoll(t, b, nil, "build", "-q", "--addr", b.Daemon.Addr, "-o", "type=oci,tar=false,compression=zstd,force-compression=true,dest="+zstd, dir).must(t)
	ours := plimsoll(t, b, nil, "build", "-q", "-o", "type=oci,tar=false,compression=zstd,dest="+zstd+"2", dir).must(t)
	has(t, "the layout from BuildKit", plimsoll(t, b, nil, "verify", "--format", "json", "oci:"+zstd).must(t).stdout, ours.stdout[strings.Index(ours.stdout, "sha256:"):len(ours.stdout)-1])

	ref := b.Registry.Addr + "/engine/app:1"
	pushed := plimsoll(t, b, nil, "build", "--addr", b.Daemon.Addr, "-o", "type=oci,dest="+filepath.Join(t.TempDir(), "a.tar"), "--push", "-t", ref, dir).must(t)
	has(t, "stdout after a push", pushed.stdout, ref+"@sha256:")
	has(t, "the summary after a push", pushed.stderr, "verified, ")

	// What the daemon wrote is verified whatever else it was asked for.
	shell := unpack(t, strings.Replace(app, "{from: run.sh, to: /run.sh}", `{from: run.sh, to: /bin/sh, mode: "0755"}`, 1))
	for _, more := range []string{"", ",force-compression=true,name-canonical=true"} {
		refused := plimsoll(t, b, nil, "build", "--addr", b.Daemon.Addr, "-o", "type=registry"+more, "-t", ref, shell)
		if refused.code != 1 {
			t.Errorf("a shell in the image%s: exit code %d", more, refused.code)
		}
		has(t, "the refusal", refused.stderr, "does not verify")
	}
	archive := filepath.Join(t.TempDir(), "b.tar")
	printed := plimsoll(t, b, nil, "build", "-q", "--addr", b.Daemon.Addr, "-o", "type=oci,force-compression=true,dest="+archive, "-t", ref, dir).must(t)
	has(t, "stdout", printed.stdout, "oci-archive:"+archive+"@sha256:")

	failed := plimsoll(t, b, nil, "build", "--addr", b.Daemon.Addr, "--frontend", b.Registry.Addr+"/no/such:1", "-o", "type=oci,dest=x.tar", dir)
	if _, err := os.Stat("x.tar"); failed.code != 1 || err == nil {
		t.Errorf("exit code %d, file left: %t", failed.code, err == nil)
	}
}

// TestGitContext builds what nobody checked out; the commit is the revision.
func TestGitContext(t *testing.T) {
	b := bed(t)
	repo := unpack(t, app)
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", repo, "-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "-q", "-b", "main")
	git("add", ".")
	git("commit", "-q", "-m", "one")
	addr := serveGit(t, repo)
	dest := filepath.Join(t.TempDir(), "layout")
	b.Buildx(t, nil, "build", "--provenance=false", "-f", "plimsoll.yaml", "-o", "type=oci,tar=false,dest="+dest, "git://"+addr+"/repo.git#main").Must(t)
	img := images(t, dest)["linux/amd64"]
	if got := config(t, img).Config.Labels["org.opencontainers.image.revision"]; got != git("rev-parse", "HEAD") {
		t.Errorf("revision %q", got)
	}
	if _, ok := files(t, img)["/data/a.txt"]; !ok {
		t.Error("a file of the repository is missing")
	}
}

func serveGit(t *testing.T, repo string) string {
	t.Helper()
	base := t.TempDir()
	if err := os.Symlink(repo, filepath.Join(base, "repo.git")); err != nil {
		t.Fatal(err)
	}
	addr := freeAddr(t)
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "git", "-c", "safe.directory=*", "daemon", "--export-all", "--reuseaddr", "--base-path="+base, "--listen="+host, "--port="+port)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // git starts the server as its child
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	testenv.WaitFor(t, 10*time.Second, func() error {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err
	})
	return addr
}
