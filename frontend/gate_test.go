package frontend

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	gwpb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plimsoll-build/plimsoll/internal/check"
	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/rehearse"
	"github.com/plimsoll-build/plimsoll/llbgen"
)

// rehearsed asks for a rehearsal: at line 5, with the limit at line 3.
const rehearsed = minimal + "runtime:\n  memory: {max: 128MiB}\n  cpu: {max: \"1.5\"}\n  rehearse: {args: [--check]}\n"

const (
	checkName    = "check the root file system"
	rehearseName = "rehearse /svc"
)

// TestGates: both vertices are in the graph of the image, and the build waits for them.
func TestGates(t *testing.T) {
	g := newGateway(rehearsed)
	mustBuild(t, g)
	last := g.solves[len(g.solves)-1]
	if !last.request.Evaluate {
		t.Error("the image is handed over before its gates are passed")
	}
	checks := g.find(t, checkName).GetExec()
	var request check.Request
	if err := json.Unmarshal([]byte(checks.Meta.Args[3]), &request); err != nil {
		t.Fatal(err)
	}
	if request.Architecture != "amd64" || !slices.Equal(request.Binaries, []string{"/svc"}) || request.WorkingDir != "/" || checks.Network != pb.NetMode_NONE {
		t.Errorf("%+v, network %s", request, checks.Network)
	}
	run := g.find(t, rehearseName).GetExec()
	var r plan.Rehearsal
	if err := json.Unmarshal([]byte(run.Meta.Args[2]), &r); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(r.Argv, []string{"/svc", "--check"}) || r.UID != 65532 || r.MemoryMax != 128<<20 || run.Network != pb.NetMode_NONE || run.Meta.User != "0:0" {
		t.Errorf("%+v, network %s, user %s", r, run.Network, run.Meta.User)
	}
	limits := last.metadata(slices.Index(last.names, rehearseName)).LinuxResources
	if limits.GetMemory() != 128<<20 || limits.GetCpuQuota() != 150_000 || limits.GetCpuPeriod() != 100_000 {
		t.Errorf("limits %v", limits)
	}
	if slices.Contains(newSolved(t, minimal).names, rehearseName) {
		t.Error("a rehearsal that nobody asked for")
	}
}

// newSolved is the last solve of a build.
func newSolved(t *testing.T, spec string) solved {
	t.Helper()
	g := newGateway(spec)
	mustBuild(t, g)
	return g.solves[len(g.solves)-1]
}

// failing makes a solve with a vertex of that name, and none of what excuses it, fail with
// the exit code.
func failing(name string, code uint32) func(solved) error {
	return func(s solved) error {
		if !slices.Contains(s.names, name) || strings.Contains(strings.Join(s.ops[len(s.ops)-1].GetExec().GetMeta().GetArgs(), " "), llbgen.CheckReport) {
			return nil
		}
		return fmt.Errorf("process did not complete successfully: %w", &gwpb.ExitError{ExitCode: code})
	}
}

// TestSkipped: what cannot be done is a warning at its line, and an error of a strict build.
func TestSkipped(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(*gateway)
		want []string // rules
		says string
	}{
		{"an unknown frontend", func(g *gateway) { g.anonymous = true }, []string{"check-skipped", "rehearse-skipped"}, "which image"},
		{"a daemon without limits", func(g *gateway) { g.lacking = []apicaps.CapID{llbgen.LimitsCap} }, []string{"rehearse-skipped"}, "0.31"},
		{"another architecture", func(g *gateway) { g.with("platform=linux/arm64") }, []string{"rehearse-skipped"}, "emulation"},
		{"a rootless daemon", func(g *gateway) { g.fails = failing(rehearseName, uint32(rehearse.NoLimits)) }, []string{"rehearse-skipped"}, "rootless"},
		{"gVisor", func(g *gateway) { g.fails = failing(rehearseName, uint32(rehearse.Emulated)) }, []string{"rehearse-skipped"}, "gVisor"},
		{"a false promise of emulation", func(g *gateway) { g.fails = failing(rehearseName, uint32(rehearse.NoProgram)) }, []string{"rehearse-skipped"}, "emulation"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGateway(rehearsed)
			c.edit(g)
			mustBuild(t, g)
			for _, rule := range c.want {
				named := slices.ContainsFunc(g.warnings, func(w warning) bool {
					return strings.HasPrefix(w.text, rule+": ") && strings.Contains(w.text, c.says) && (w.line == 5 || rule == "check-skipped")
				})
				if !named {
					t.Errorf("no warning %s at line 5: %v", rule, g.warnings)
				}
			}
			if names := g.solves[len(g.solves)-1].names; slices.Contains(names, rehearseName) {
				t.Errorf("the image waits for a rehearsal that there cannot be: %q", names)
			}
			if !g.anonymous && !slices.Contains(g.solves[len(g.solves)-1].names, checkName) {
				t.Error("the check is left out too")
			}
			for _, opt := range []string{"build-arg:PLIMSOLL_STRICT=yes", "build-arg:PLIMSOLL_STRICT=true"} {
				strict := newGateway(rehearsed).with(opt)
				c.edit(strict)
				_, err := Build(t.Context(), strict)
				if err == nil || !strings.Contains(err.Error(), c.want[0]) {
					t.Errorf("%s: %v", opt, err)
				}
				for _, w := range strict.warnings {
					if strings.HasPrefix(w.text, "undeclared-arg") {
						t.Errorf("%s: %s", opt, w.text)
					}
				}
			}
		})
	}
	g := newGateway(rehearsed)
	g.platform, g.opts["platform"] = ocispec.Platform{OS: "linux", Architecture: "arm64"}, "linux/arm64"
	mustBuild(t, g)
	g.find(t, rehearseName)
}

// TestRefused: a gate that is not passed says why, at the lines that it is about.
func TestRefused(t *testing.T) {
	based := strings.Replace(rehearsed, "runtime:", "image:\n  base: docker.io/library/base:1\n  volumes: [/data]\n  files:\n  - {from: conf, to: /opt}\nruntime:", 1)
	finding := func(rule, path string) string {
		return fmt.Sprintf(`{"rule":%q,"path":%q,"failed":true,"evidence":"broken"}`, rule, path)
	}
	for _, c := range []struct {
		name   string
		vertex string
		code   int
		report string
		lines  []int32
		says   string
	}{
		{"memory", rehearseName, int(rehearse.Killed), "", []int32{8}, "137"},
		{"an early end", rehearseName, int(rehearse.Ended), "", []int32{10}, "ended before"},
		{"a base that hides a mount", checkName, check.Refused, finding("mounts", "/sys/fs/cgroup/memory.max"), []int32{3}, "/sys/fs/cgroup/memory.max: broken"},
		{"a volume and a file", checkName, check.Refused, finding("mounts", "/data") + "," + finding("mounts", "/opt/app.yaml"), []int32{4, 6}, "rule mounts: /data"},
		{"a binary", checkName, check.Refused, finding("static", "/svc"), []int32{1}, "rule static: /svc: broken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGateway(based)
			g.images["docker.io/library/base:1"] = testImage{someDigest, `{"os":"linux","architecture":"amd64","config":{}}`}
			g.fails, g.report = failing(c.vertex, uint32(c.code)), "["+c.report+"]"
			_, err := Build(t.Context(), g)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("error %v, want %q", err, c.says)
			}
			var lines []int32
			for _, s := range errdefs.Sources(err) {
				lines = append(lines, s.Ranges[0].Start.Line)
			}
			slices.Sort(lines)
			if c.lines[0] != 1 && !slices.Equal(lines, c.lines) {
				t.Errorf("lines %v, want %v", lines, c.lines)
			}
		})
	}
	t.Run("something else", func(t *testing.T) {
		g := newGateway(rehearsed)
		g.fails = failing("compile the service's own packages and link svc", 1)
		if _, err := Build(t.Context(), g); err == nil || strings.Contains(err.Error(), "rehears") {
			t.Errorf("error %v", err)
		}
	})
}

// TestGatesOfAnOldDaemon: without a vertex that ties them together, the gates are solved
// before the image is.
func TestGatesOfAnOldDaemon(t *testing.T) {
	g := newGateway(rehearsed)
	g.lacking = []apicaps.CapID{llbgen.GateCap}
	mustBuild(t, g)
	var waited []string
	for _, s := range g.solves {
		if s.request.Evaluate {
			waited = append(waited, s.names[len(s.names)-1])
		}
	}
	if !slices.Equal(waited, []string{checkName, rehearseName}) {
		t.Errorf("waited for %q", waited)
	}
	if last := g.solves[len(g.solves)-1]; slices.Contains(last.names, checkName) || last.request.Evaluate {
		t.Errorf("the image's own graph: %q", last.names)
	}
}
