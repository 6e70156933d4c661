package liverun

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"

	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

// hybridControllers is not empty where cgroup v2 has controllers beside v1. crun refuses
// such a machine, so that its test runs in a mount namespace that has v1 alone.
const hybridControllers = "/sys/fs/cgroup/unified/cgroup.controllers"

// inside marks the test's own process in that namespace.
const inside = "PLIMSOLL_TEST_WITHOUT_UNIFIED"

func TestRunc(t *testing.T) { testRuntime(t, "runc") }

func TestCrun(t *testing.T) {
	controllers, _ := os.ReadFile(hybridControllers)
	if len(bytes.TrimSpace(controllers)) == 0 || os.Getenv(inside) != "" {
		testRuntime(t, "crun")
		return
	}
	script := "umount " + filepath.Dir(hybridControllers) + ` && exec "$@"`
	cmd := exec.CommandContext(t.Context(), "unshare", "--mount", "--propagation", "private", "sh", "-ec", script, "sh", os.Args[0], "-test.run=^TestCrun$", "-test.count=1", "-test.v")
	cmd.Env = append(os.Environ(), inside+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestCrun/crun") {
		t.Fatalf("%v\n%s", err, out)
	}
}

var binaries sync.Map

// service compiles the test's service for a go line, once.
func service(t *testing.T, goLine string) []byte {
	t.Helper()
	if data, ok := binaries.Load(goLine); ok {
		return data.([]byte)
	}
	dir := t.TempDir()
	src, err := os.ReadFile(filepath.Join("testdata", "service", "main.go"))
	check(t, err)
	check(t, os.WriteFile(filepath.Join(dir, "main.go"), src, 0o644))
	check(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module service\n\ngo "+goLine+"\n"), 0o644))
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", "service", ".")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(filepath.Join(dir, "service"))
	check(t, err)
	binaries.Store(goLine, data)
	return data
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// image is the service's image for this machine: one layer, and a whiteout in a second.
func image(t *testing.T, goLine string, env ...string) Image {
	t.Helper()
	config := ocispec.Image{Platform: ocispec.Platform{OS: "linux", Architecture: runtime.GOARCH}}
	config.Config = ocispec.ImageConfig{User: "65532:65532", Env: env, Entrypoint: []string{"/service"}}
	config.RootFS.Type = "layers"
	layers := [][]byte{
		layer(t, map[string][]byte{"service": service(t, goLine), "gone": nil}),
		layer(t, map[string][]byte{".wh.gone": nil}),
	}
	i := Image{Config: config}
	for _, data := range layers {
		i.Config.RootFS.DiffIDs = append(i.Config.RootFS.DiffIDs, digest.FromBytes(data))
		i.Layers = append(i.Layers, func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil })
	}
	seal(t, &i)
	return i
}

// seal stores the config again, after a change.
func seal(t *testing.T, i *Image) {
	t.Helper()
	var err error
	i.RawConfig, err = json.Marshal(i.Config)
	check(t, err)
}

func layer(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, data := range files {
		check(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(data))}))
		_, err := w.Write(data)
		check(t, err)
	}
	check(t, w.Close())
	return b.Bytes()
}

const memLimit120 = "113246208" // of a container of 120 MiB

func goodLabels() map[string]string {
	return map[string]string{tuning.LabelMemLimit: memLimit120, tuning.LabelMaxProcs: "auto", tuning.LabelCgroup: "any"}
}

// testRuntime runs images that keep what they say, and others that do not: all, or those
// that are named.
func testRuntime(t *testing.T, name string, only ...string) {
	limits := Limits{Memory: 120 << 20, MilliCPUs: 1500, Pids: 100}
	for _, test := range []struct {
		name, goLine string
		edit         func(*Options, map[string]string)
		env, cmd     []string
		fails        []string // Where of each
		unknown      string
	}{
		{name: "good"},
		{name: "edited label", edit: func(_ *Options, l map[string]string) { l[tuning.LabelMemLimit] = "100000000" }, fails: []string{"run GOMEMLIMIT"}},
		{name: "label of another number", edit: func(_ *Options, l map[string]string) { l[tuning.LabelMaxProcs] = "7" }, fails: []string{"run GOMAXPROCS"}},
		{name: "GOMAXPROCS at run time", edit: func(o *Options, _ map[string]string) { o.Env = []string{"GOMAXPROCS=1"} }, fails: []string{"run GOMAXPROCS"}},
		{name: "GOMEMLIMIT at run time", edit: func(o *Options, _ map[string]string) { o.Env = []string{"GOMEMLIMIT=64MiB"} }, fails: []string{"run GOMEMLIMIT"}},
		{name: "GODEBUG at run time", edit: func(o *Options, _ map[string]string) { o.Env = []string{"GODEBUG=containermaxprocs=0"} }, fails: []string{"run env GODEBUG", "run GOMAXPROCS"}},
		{name: "old go line", goLine: "1.24", fails: []string{"run GOMAXPROCS"}},
		{name: "set in the code", edit: func(o *Options, _ map[string]string) { o.Args = []string{"procs", "5"} }, fails: []string{"run GOMAXPROCS"}},
		{name: "smaller limit", edit: func(o *Options, _ map[string]string) { o.Memory = 100 << 20 }, fails: []string{"run GOMEMLIMIT"}},
		{name: "too small", edit: func(o *Options, _ map[string]string) { o.Args, o.For = []string{"eat", "400"}, time.Minute }, fails: []string{"run"}},
		{name: "ends", edit: func(o *Options, _ map[string]string) { o.Args, o.For = []string{"exit", "3"}, time.Minute }, fails: []string{"run"}},
		{name: "port 80", edit: func(o *Options, _ map[string]string) { o.Args = []string{"listen", ":80"} }},
		{name: "no arguments", edit: func(o *Options, _ map[string]string) { o.Args = []string{} }, cmd: []string{"exit", "3"}},
		{name: "needs v2", edit: func(_ *Options, l map[string]string) { l[tuning.LabelCgroup] = "v2" }, fails: v2Fails()},
		{name: "no hook", edit: func(_ *Options, l map[string]string) { l[tuning.LabelMemLimit] = "auto:90%" }, env: []string{"A=b"}, fails: []string{"run GOMEMLIMIT"}},
	} {
		if len(only) > 0 && !slices.Contains(only, test.name) {
			continue
		}
		t.Run(name+"/"+test.name, func(t *testing.T) {
			labels, o := goodLabels(), Options{Runtime: name, Limits: limits, For: 600 * time.Millisecond}
			if test.edit != nil {
				test.edit(&o, labels)
			}
			env := []string{"GOMEMLIMIT=" + memLimit120}
			if test.env != nil {
				env = test.env
			}
			goLine := "1.26"
			if test.goLine != "" {
				goLine = test.goLine
			}
			i := image(t, goLine, env...)
			i.Config.Config.Cmd = test.cmd
			seal(t, &i)
			obs, err := Run(t.Context(), i, o)
			check(t, err)
			f := Judge(obs, labels, "65532:65532")
			t.Log(f.Summary)
			var got []string
			for _, d := range f.Fails {
				got = append(got, d.Where)
			}
			slices.Sort(got)
			slices.Sort(test.fails)
			if !slices.Equal(slices.Compact(got), test.fails) {
				t.Errorf("fails %+v, want %v; unknown %v", f.Fails, test.fails, f.Unknowns)
			}
			if len(f.Unknowns) > 0 && obs.Lived {
				t.Errorf("unknown: %v", f.Unknowns)
			}
			nothingLeft(t, name)
		})
	}
	t.Run(name+"/device", func(t *testing.T) { testDevice(t, name) })
	if name == "runc" || name == "crun" {
		t.Run(name+"/exec", func(t *testing.T) { testExec(t, name) })
		t.Run(name+"/root", func(t *testing.T) { testRoot(t, name) })
	}
	t.Run(name+"/metrics", func(t *testing.T) { testMetrics(t, name) })
	t.Run(name+"/interrupted", func(t *testing.T) { testInterrupted(t, name) })
}

// v2Fails: the label v2 is wrong here unless this machine is one of v2 alone.
func v2Fails() []string {
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		return nil
	}
	return []string{"run cgroup"}
}

// nothingLeft: no group, container or image of ours is there any more.
func nothingLeft(t *testing.T, name string) {
	t.Helper()
	if name == "podman" {
		podmanIsEmpty(t)
	}
	left, err := filepath.Glob("/sys/fs/cgroup/*/" + idPrefix() + "*")
	check(t, err)
	left = slices.DeleteFunc(left, func(dir string) bool {
		// Where TestCrun took v2 away, crun makes plain directories in its place.
		return os.Getenv(inside) != "" && strings.HasPrefix(dir, "/sys/fs/cgroup/unified/") && os.RemoveAll(dir) == nil
	})
	top, err := filepath.Glob("/sys/fs/cgroup/" + idPrefix() + "*")
	check(t, err)
	if left = append(left, top...); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// podmanIsEmpty waits, since an interrupted call may have a child that is still ending.
func podmanIsEmpty(t *testing.T) {
	t.Helper()
	for _, args := range [][]string{{"ps", "--all", "--quiet"}, {"images", "--all", "--quiet"}} {
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(200 * time.Millisecond) {
			cmd := exec.Command("podman", args...)
			var complaint bytes.Buffer
			cmd.Stderr = &complaint
			out, err := cmd.Output()
			if err == nil && len(bytes.TrimSpace(out)) == 0 {
				break
			}
			if time.Now().After(end) {
				t.Errorf("podman %v: %s %v: %s", args, out, err, &complaint)
				break
			}
		}
	}
}

// testDevice: an image's own device file, that all may read, opens nothing of the host.
func testDevice(t *testing.T, name string) {
	i := image(t, "1.26")
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	// The disk that this test's root is on; reading it needs no capability.
	var root unix.Stat_t
	check(t, unix.Stat("/", &root))
	check(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeBlock, Name: "disk", Mode: 0o666, Devmajor: int64(unix.Major(root.Dev)), Devminor: int64(unix.Minor(root.Dev))}))
	check(t, w.Close())
	i.Layers = append(i.Layers, func(context.Context) (io.ReadCloser, error) { return io.NopCloser(&b), nil })
	i.Config.RootFS.DiffIDs = append(i.Config.RootFS.DiffIDs, digest.FromBytes(b.Bytes()))
	i.Config.Config.User = "0:0"
	seal(t, &i)
	obs, err := Run(t.Context(), i, Options{Runtime: name, For: time.Minute, Args: []string{"open", "/disk"}})
	check(t, err)
	if obs.Lived || obs.Exit != 0 {
		t.Errorf("exit code %d: %s", obs.Exit, obs.Log)
	}
}

func testMetrics(t *testing.T, name string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	check(t, l.Close())
	o := Options{Runtime: name, For: 600 * time.Millisecond, Args: []string{"metrics", fmt.Sprint(port)}, Metrics: fmt.Sprintf("http://127.0.0.1:%d/metrics", port)}
	obs, err := Run(t.Context(), image(t, "1.26", "GOMEMLIMIT="+memLimit120), o)
	check(t, err)
	if obs.MetricsErr != nil || obs.Metrics[metricMemLimit] != 113246208 || int(obs.Metrics[metricMaxProcs]) != obs.MaxProcs {
		t.Errorf("%v %v, traced %d", obs.Metrics, obs.MetricsErr, obs.MaxProcs)
	}
	if f := Judge(obs, goodLabels(), "65532:65532"); len(f.Fails)+len(f.Unknowns) > 0 {
		t.Errorf("%+v", f)
	}
}

// testInterrupted: the container goes although its caller was interrupted.
func testInterrupted(t *testing.T, name string) {
	ctx, cancel := context.WithCancel(t.Context())
	// Somewhere on the way: loading the image takes podman its time.
	time.AfterFunc(map[string]time.Duration{"podman": 1500 * time.Millisecond}[name]+300*time.Millisecond, cancel)
	_, err := Run(ctx, image(t, "1.26"), Options{Runtime: name, For: time.Minute})
	if err == nil || ctx.Err() == nil {
		t.Errorf("%v", err)
	}
	nothingLeft(t, name)
}
