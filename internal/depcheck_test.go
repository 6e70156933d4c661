// Package internal holds the tests of the tree as a whole: what each package may
// import (the table of ARCHITECTURE.md), and that exported names are documented.
package internal

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/plimsoll-build/plimsoll/"

// Modules and packages that some of ours must not reach.
const (
	ggcr     = "github.com/google/go-containerregistry"
	buildkit = "github.com/moby/buildkit"
	cobra    = "github.com/spf13/cobra"
	yaml     = "go.yaml.in/yaml"
	gateway  = buildkit + "/frontend/gateway"
	dockerui = buildkit + "/frontend/dockerui"
)

// everything third-party, for packages that import the standard library alone.
const thirdParty = "*"

// rule is one row of the table: which of ours a package may import (directly), which
// packages it must not reach (through any path), and which not import (directly).
type rule struct {
	ours   []string
	never  []string
	direct []string
}

var rules = map[string]rule{
	"internal/plan":              {nil, []string{ggcr, buildkit, yaml, cobra}, []string{"os", "os/exec", "net", "net/http"}},
	"internal/tuning":            {nil, []string{thirdParty}, []string{"os", "os/exec", "net"}},
	"internal/tuning/godebuggen": {nil, []string{thirdParty}, nil},
	"internal/spec":              {[]string{"internal/tuning"}, []string{ggcr, buildkit, cobra}, []string{"os", "os/exec", "net", "time"}},
	"internal/facts":             {nil, []string{ggcr, buildkit, yaml, cobra}, []string{"os", "os/exec", "net"}},
	"internal/gosource":          {nil, []string{ggcr, buildkit, yaml, cobra}, []string{"os", "os/exec", "net"}},
	"internal/hook":              {[]string{"internal/tuning"}, []string{ggcr, buildkit, yaml, cobra}, []string{"os", "os/exec", "net"}},
	"internal/hook/memlimit":     {nil, []string{thirdParty}, []string{"os/exec", "net", "fmt"}},
	"internal/planner":           {[]string{"internal/spec", "internal/facts", "internal/hook", "internal/tuning", "internal/plan", "internal/rootdata"}, []string{ggcr, buildkit, cobra}, []string{"os", "os/exec", "net", "math/rand", "crypto/rand"}},
	"internal/cacheprog":         {nil, []string{thirdParty}, []string{"os", "os/exec", "net"}},
	"internal/cacheprog/prog":    {nil, []string{thirdParty}, []string{"net", "net/http"}},
	"internal/rootdata":          {nil, []string{ggcr, buildkit, yaml, cobra}, []string{"os", "os/exec", "net"}},
	"internal/vcs":               {nil, []string{thirdParty}, nil},
	"llbgen":                     {[]string{"internal/plan", "internal/rootdata", "internal/cacheprog"}, []string{ggcr, cobra, yaml, gateway, dockerui}, []string{"os", "os/exec", "net"}},
	"frontend":                   {[]string{"internal/check", "internal/rehearse", "internal/spec", "internal/facts", "internal/planner", "internal/plan", "internal/gosource", "llbgen"}, []string{ggcr, cobra}, []string{"os/exec"}},
	"internal/gotool":            {[]string{"internal/plan"}, []string{ggcr, buildkit, yaml, cobra}, nil},
	"internal/layer":             {[]string{"internal/plan", "internal/rootdata"}, []string{buildkit, yaml, cobra}, []string{"os/exec", "net", "net/http"}},
	"internal/local":             {[]string{"internal/check", "internal/plan", "internal/facts", "internal/gobin", "internal/gosource", "internal/gotool", "internal/layer", "internal/rootdata"}, []string{buildkit, yaml, cobra}, []string{"os/exec"}},
	"internal/solve":             {nil, []string{ggcr, yaml, cobra}, nil},
	"internal/export":            {nil, []string{buildkit, yaml, cobra}, nil},
	"internal/gobin":             {nil, []string{thirdParty}, []string{"os", "os/exec", "net"}},
	"internal/imagediff":         {nil, []string{ggcr, buildkit, yaml, cobra}, []string{"os/exec", "net"}},
	"internal/excerpt":           {nil, []string{ggcr, buildkit, yaml, cobra}, []string{"os", "os/exec", "net"}},
	"internal/policy":            {[]string{"internal/tuning", "internal/excerpt"}, []string{ggcr, buildkit, cobra}, []string{"os", "os/exec", "net"}},
	"internal/workload":          {[]string{"internal/tuning", "internal/excerpt"}, []string{ggcr, buildkit, cobra}, []string{"os", "os/exec", "net"}},
	"internal/rootfs":            {[]string{"internal/plan", "internal/tuning", "internal/gobin"}, []string{ggcr, buildkit, yaml, cobra}, []string{"os", "os/exec", "net"}},
	"internal/check":             {[]string{"internal/gobin", "internal/rootfs"}, []string{ggcr, buildkit, yaml, cobra}, []string{"os/exec", "net"}},
	"internal/rehearse":          {[]string{"internal/cgroup", "internal/plan", "internal/tuning"}, []string{ggcr, buildkit, yaml, cobra}, []string{"net"}},
	"internal/verify":            {[]string{"internal/plan", "internal/tuning", "internal/hook", "internal/gobin", "internal/rootfs"}, []string{buildkit, yaml, cobra}, []string{"os/exec"}},
	"internal/cgroup":            {nil, []string{thirdParty}, []string{"os", "os/exec", "net"}},
	"internal/cgroup/recorded":   {nil, []string{ggcr, buildkit, yaml, cobra}, []string{"os", "os/exec", "net"}},
	"internal/doctor":            {[]string{"internal/cgroup", "internal/tuning"}, []string{thirdParty}, []string{"os", "os/exec", "net"}},
	"internal/liverun":           {[]string{"internal/cgroup", "internal/tuning"}, []string{ggcr, buildkit, yaml, cobra}, nil},
	"internal/cli": {[]string{"internal/spec", "internal/facts", "internal/planner", "internal/plan", "internal/tuning", "internal/vcs", "internal/gotool", "internal/local",
		"internal/solve", "internal/export", "internal/verify", "internal/imagediff", "internal/policy", "internal/workload", "internal/doctor", "internal/liverun", "internal/rehearse"}, nil, []string{buildkit + "/client/llb", gateway, dockerui, ggcr + "/pkg/v1/mutate"}},
	"cmd/plimsoll":          {[]string{"internal/cli"}, nil, nil},
	"cmd/plimsoll-frontend": {[]string{"frontend", "internal/check", "internal/rehearse"}, []string{ggcr, cobra}, nil},
	// The bed serves tests and people; nothing that ships imports it.
	"internal/testenv":         {[]string{"internal/solve", "internal/testenv/kept"}, []string{cobra}, nil},
	"internal/testenv/bedctl":  {[]string{"internal/testenv"}, []string{cobra}, nil},
	"internal/testenv/scanner": {nil, []string{thirdParty}, nil},
	"internal/testenv/kept":    {nil, []string{buildkit, ggcr, yaml, cobra}, []string{"net"}},
	"internal/corpus":          {[]string{"internal/testenv/kept"}, []string{buildkit, yaml, cobra}, nil},
	"internal/lab":             {[]string{"internal/corpus", "internal/lab/trial", "internal/testenv", "internal/tuning"}, []string{cobra}, nil},
	"internal/lab/guest":       {[]string{"internal/lab/trial"}, []string{thirdParty}, nil},
	"internal/lab/trial":       {nil, []string{thirdParty}, []string{"os", "net", "time"}},
	"internal/sidebyside":      {[]string{"internal/corpus", "internal/testenv"}, []string{cobra}, nil},
	"internal/e2e":             {nil, nil, nil},
	"internal/bench":           {[]string{"internal/bench/figures", "internal/bench/peers", "internal/bench/service", "internal/corpus", "internal/plan", "internal/testenv"}, []string{cobra}, nil},
	"internal/bench/figures":   {nil, []string{thirdParty}, []string{"os", "time"}},
	"internal/bench/peers":     {[]string{"internal/bench/figures"}, []string{thirdParty}, nil},
	"internal/bench/service":   {nil, []string{thirdParty}, nil},
}

// pkg is what go list says of a package.
type pkg struct {
	ImportPath string
	Standard   bool
	Imports    []string
}

func load(t *testing.T) map[string]pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Standard,Imports", "../...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("listing packages: %v\n%s", err, &stderr)
	}
	all := map[string]pkg{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[p.ImportPath] = p
	}
}

func TestImports(t *testing.T) {
	all := load(t)
	for path, p := range all {
		short, ours := strings.CutPrefix(path, module)
		if !ours || len(p.Imports) == 0 {
			continue
		}
		r, known := rules[short]
		if !known {
			t.Errorf("%s has no row in the table of import rules: add one here and in ARCHITECTURE.md", short)
			continue
		}
		for _, imp := range p.Imports {
			own, isOurs := strings.CutPrefix(imp, module)
			if isOurs && !slices.Contains(r.ours, own) {
				t.Errorf("%s may not import %s", short, own)
			}
			if matches(imp, r.direct) {
				t.Errorf("%s may not import %s directly", short, imp)
			}
		}
		for _, banned := range r.never {
			if chain := reach(all, path, func(q pkg) bool { return isBanned(q, banned) }); chain != nil {
				t.Errorf("%s must not reach %s:\n\t%s", short, banned, strings.Join(chain, "\n\timports "))
			}
		}
	}
}

// TestRulesAreAlive keeps rows from outliving their packages.
func TestRulesAreAlive(t *testing.T) {
	all := load(t)
	for short := range rules {
		if _, ok := all[module+short]; !ok {
			t.Errorf("the table names %s, which does not exist", short)
		}
	}
}

func matches(path string, list []string) bool {
	return slices.ContainsFunc(list, func(banned string) bool {
		return path == banned || strings.HasPrefix(banned, "github.com/") && strings.HasPrefix(path, banned+"/")
	})
}

func isBanned(p pkg, banned string) bool {
	if banned == thirdParty {
		return !p.Standard && !strings.HasPrefix(p.ImportPath, module)
	}
	return p.ImportPath == banned || strings.HasPrefix(p.ImportPath, banned+"/")
}

// reach is the chain of imports from a package to one that is found, or nil.
func reach(all map[string]pkg, from string, found func(pkg) bool) []string {
	type step struct {
		path string
		back *step
	}
	seen := map[string]bool{from: true}
	for queue := []*step{{path: from}}; len(queue) > 0; queue = queue[1:] {
		for _, imp := range all[queue[0].path].Imports {
			if seen[imp] {
				continue
			}
			seen[imp] = true
			next := &step{imp, queue[0]}
			if found(all[imp]) {
				var chain []string
				for s := next; s != nil; s = s.back {
					chain = append([]string{s.path}, chain...)
				}
				return chain
			}
			queue = append(queue, next)
		}
	}
	return nil
}
