package planner

import (
	"slices"
	"testing"
	"time"

	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/spec"
)

// TestRehearsal: what is rehearsed is the image as its config says, with the spec's limits.
func TestRehearsal(t *testing.T) {
	p := plan.Plan{}
	c := &p.Config.Config
	c.Entrypoint, c.Cmd, c.Env, c.WorkingDir, c.User = []string{"/svc"}, []string{"--serve"}, []string{"A=1"}, "/data", "7:8"
	for _, tt := range []struct {
		name     string
		user     string
		rehearse spec.Rehearse
		argv     []string
		limit    time.Duration
		expect   string
		gid      int
		bad      bool
	}{
		{"as it is", "7:8", spec.Rehearse{}, []string{"/svc", "--serve"}, 2 * time.Second, plan.ExpectReady, 8, false},
		{"other arguments", "7:8", spec.Rehearse{Args: []string{"--check"}, For: "500ms", Expect: "exit0"}, []string{"/svc", "--check"}, 500 * time.Millisecond, plan.ExpectExit0, 8, false},
		{"no argument", "7", spec.Rehearse{Args: []string{}}, []string{"/svc"}, 2 * time.Second, plan.ExpectReady, 0, false},
		{"a name for a user", "app", spec.Rehearse{}, nil, 0, "", 0, true},
		{"a name for a group", "7:app", spec.Rehearse{}, nil, 0, "", 0, true},
		{"no time", "7:8", spec.Rehearse{For: "soon"}, nil, 0, "", 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c.User = tt.user
			s := spec.Service{Runtime: spec.Runtime{Rehearse: &tt.rehearse, Cgroup: "v2", Memory: spec.Memory{Max: 64 << 20}, CPU: spec.CPU{Max: 1500}}}
			r, err := Rehearsal(s, p)
			if (err != nil) != tt.bad {
				t.Fatalf("error %v", err)
			}
			if tt.bad {
				return
			}
			if !slices.Equal(r.Argv, tt.argv) || r.For != tt.limit || r.Expect != tt.expect || r.UID != 7 || r.GID != tt.gid {
				t.Errorf("%+v", r)
			}
			if r.MemoryMax != 64<<20 || r.CPUMax != 1500 || !r.Cgroup2 || r.Dir != "/data" || !slices.Equal(r.Env, []string{"A=1"}) {
				t.Errorf("%+v", r)
			}
		})
	}
	if r, err := Rehearsal(spec.Service{}, p); r != nil || err != nil {
		t.Errorf("a rehearsal that nobody asked for: %+v, %v", r, err)
	}
}

// TestRehearsalIsNotInThePlan: the image is the same with and without it, labels and all.
func TestRehearsalIsNotInThePlan(t *testing.T) {
	const limits = "build: {main: ./cmd/x}\nruntime:\n  memory: {max: 128MiB}\n"
	without, _ := one(t, limits, world())
	with, _ := one(t, limits+"  rehearse: {args: [--check], for: 9s}\n", world())
	a, err := plan.Canonical(without)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := plan.Canonical(with); err != nil || string(a) != string(b) {
		t.Errorf("the plan differs by its rehearsal: %v\n%s\n%s", err, a, b)
	}
}
