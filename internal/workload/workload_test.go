package workload_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll-build/plimsoll/internal/tuning"
	"github.com/plimsoll-build/plimsoll/internal/workload"
)

func TestQuantities(t *testing.T) {
	for _, c := range []struct {
		read func(string) (int64, error)
		text string
		want int64 // negative: refused
	}{
		{bytesOf, "512Mi", 512 << 20}, {bytesOf, "512M", 512e6}, {bytesOf, "1.5Gi", 3 << 29}, {bytesOf, "1e3", 1000},
		{bytesOf, "129e6", 129e6}, {bytesOf, "100m", 1}, {bytesOf, "1E", 1e18}, {bytesOf, "+7", 7}, {bytesOf, ".5k", 500},
		{bytesOf, "1KiB", -1}, {bytesOf, "", -1}, {bytesOf, "1e", -1}, {bytesOf, "1e99", -1}, {bytesOf, "9Ei", -1}, {bytesOf, "-1", -1}, {bytesOf, "1ee3", -1},
		{milliOf, "500m", 500}, {milliOf, "0.5", 500}, {milliOf, "2", 2000}, {milliOf, "1u", 1}, {milliOf, "1.0001", 1001},
		{workload.RAM, "512m", 512 << 20}, {workload.RAM, "1g", 1 << 30}, {workload.RAM, "1.5GB", 3 << 29}, {workload.RAM, "2 GiB", 2 << 30},
		{workload.RAM, "512", 512}, {workload.RAM, "512b", 512}, {workload.RAM, "m", -1}, {workload.RAM, "1x", -1}, {workload.RAM, "1kk", -1},
	} {
		got, err := c.read(c.text)
		if (err != nil) != (c.want < 0) || (err == nil && got != c.want) {
			t.Errorf("%q: %d, %v; want %d", c.text, got, err, c.want)
		}
	}
}

func bytesOf(s string) (int64, error) { return workload.Quantity(s, 1) }
func milliOf(s string) (int64, error) { return workload.Quantity(s, 1000) }

// The labels of an image for 512 MiB and half a CPU.
var labels = map[string]string{
	tuning.LabelVersion: "1", tuning.LabelMemLimit: "460MiB", tuning.LabelMemoryMax: "536870912",
	tuning.LabelMaxProcs: "auto", tuning.LabelCPUMax: "0.5", tuning.LabelBinaries: "/app",
}

// TestJudge gives each form what disagrees: "F" fails, "W" warns, with lines.
func TestJudge(t *testing.T) {
	pod := func(rest string) string {
		return "kind: Pod\nspec:\n  containers:\n  - name: a\n    resources: {limits: {memory: 512Mi, cpu: 500m}}\n" + rest
	}
	for _, c := range []struct {
		name, file, text string
		want             []string
	}{
		{"pod", "k.yaml", pod(""), nil},
		{"cron job, no limits", "k.yaml", "kind: CronJob\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{name: a}]}}}}}", []string{"F2 memory limit", "F2 CPU limit"}},
		{"list", "k.yaml", "kind: List\nitems:\n- kind: Pod\n  spec: {containers: [{name: a, resources: {limits: {memory: 512Mi, cpu: 1}}}]}", []string{"W4 CPU limit"}},
		{"fatal GOMEMLIMIT", "k.yaml", pod("    env: [{name: GOMEMLIMIT, value: 400M}]\n"), []string{"F6 env GOMEMLIMIT"}},
		{"another GOMEMLIMIT", "k.yaml", pod("    env: [{name: GOMEMLIMIT, value: 400MiB}]\n"), []string{"W6 env GOMEMLIMIT"}},
		{"GOMEMLIMIT is the limit", "k.yaml", pod("    env: [{name: GOMEMLIMIT, valueFrom: {resourceFieldRef: {resource: limits.memory}}}]\n"), []string{"F6 GOMEMLIMIT", "W6 env GOMEMLIMIT"}},
		{"GOMEMLIMIT off", "k.yaml", pod("    env: [{name: GOMEMLIMIT, value: 'off'}]\n"), []string{"F6 env GOMEMLIMIT", "W6 env GOMEMLIMIT"}},
		{"unknown value", "k.yaml", pod("    env: [{name: GOGC, valueFrom: {configMapKeyRef: {name: x, key: y}}}]\n"), []string{"U"}},
		{"GOMAXPROCS", "k.yaml", pod("    env: [{name: GOMAXPROCS, value: '4'}]\n"), []string{"W6 env GOMAXPROCS", "W6 env GOMAXPROCS"}},
		{"GOGC and GODEBUG", "k.yaml", pod("    env: [{name: GOGC, value: 50%}, {name: GODEBUG, value: containermaxprocs=0}]\n"), []string{"F6 env GOGC", "F6 env GODEBUG", "W6 env GODEBUG"}},
		{"root", "k.yaml", pod("    securityContext: {runAsUser: 0}\n"), []string{"F6 user"}},
		{"mounts", "k.yaml", pod("    volumeMounts:\n    - mountPath: /sys/fs/cgroup/\n    - {mountPath: /app}\n    - {mountPath: /data}\n"), []string{"F7 mount /sys/fs/cgroup", "F8 mount /app"}},
		{"small request", "k.yaml", "kind: Pod\nspec:\n  containers:\n  - {name: a, resources: {limits: {memory: 512Mi, cpu: 500m}, requests: {memory: 128Mi}}}", []string{"W4 memory request"}},
		{"broken quantity", "k.yaml", "kind: Pod\nspec:\n  containers:\n  - {name: a, resources: {limits: {memory: lots, cpu: 500m}}}", []string{"F4 limit", "F4 memory limit"}},
		{"compose", "c.yaml", "services:\n  a:\n    deploy: {resources: {limits: {memory: 256m, cpus: '0.5'}}}\n    environment:\n      GOGC: 50\n    volumes: ['./x:/proc:ro']\n", []string{"F3 memory limit", "F3 GOMEMLIMIT", "F6 mount /proc", "W5 env GOGC"}},
		{"compose, list and anchor", "c.yaml", "x-l: &l {mem_limit: 512m}\nservices:\n  a:\n    <<: *l\n    cpus: 0.5\n    environment: [GOGC]\n", []string{"U"}},
		{"unit", "a.service", "[Service]\nMemoryMax=512M\nMemoryHigh=470M\nCPUQuota=50%\nEnvironment=\"A=b c\" GOGC=x\n", []string{"F3 GOMEMLIMIT", "F5 env GOGC"}},
		{"unit, percentage", "a.service", "[Service]\nMemoryMax=50%\nCPUQuota=50%\n", []string{"F2 limit", "F1 memory limit"}},
		{"quadlet", "a.container", "[Container]\nImage=app\nVolume=/x:/sys\n[Service]\nMemoryMax=512M\nCPUQuota=\\\n  25%\n", []string{"F6 CPU limit", "F3 mount /sys"}},
	} {
		found, err := workload.Parse(c.file, []byte(c.text))
		if err != nil || len(found) != 1 {
			t.Errorf("%s: %d containers, %v", c.name, len(found), err)
			continue
		}
		if got := judged(found[0]); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func judged(c workload.Container) []string {
	var all []string
	found := workload.Judge(c, labels, []string{"/app"})
	for _, f := range found.Fails {
		all = append(all, fmt.Sprintf("F%d %s", f.Line, strings.TrimPrefix(f.Where, "container a ")))
	}
	for _, f := range found.Warns {
		all = append(all, fmt.Sprintf("W%d %s", f.Line, strings.TrimPrefix(f.Where, "container a ")))
	}
	for range found.Unknowns {
		all = append(all, "U")
	}
	return all
}

func TestChoose(t *testing.T) {
	pod := "kind: Pod\nspec: {containers: [{name: a, image: 'r.example.com/app:v1'}, {name: b, image: 'proxy'}]}"
	all, err := workload.Parse("k.yaml", []byte(pod))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, ref, want string }{
		{"", "r.example.com/app:v1", "a"}, {"", "r.example.com/app", "a"}, {"", "r.example.com/app:v1@sha256:00", "a"},
		{"", "docker.io/library/proxy:v9", "b"}, {"b", "oci:app", "b"},
		{"", "r.example.com/app:v2", ""}, {"", "oci:app", ""}, {"c", "proxy", ""},
	} {
		found, err := workload.Choose(all, c.name, c.ref)
		got := ""
		if err == nil {
			got = found[0].Name
		}
		if got != c.want || len(found) > 1 {
			t.Errorf("%q, %q: %q (%v), want %q", c.name, c.ref, got, err, c.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"kind: Pod\nspec: {{ x }}":          "k.yaml:2: this is a template",
		"kind: ConfigMap":                   "ConfigMap",
		"a: b":                              "(none)",
		"":                                  "deploys no container",
		"[":                                 "cannot be read",
		"\xff":                              "UTF-8",
		"kind: Pod\n---\nkind: [\n":         "cannot be read",
		strings.Repeat("a: b\n---\n", 1100): "documents",
	} {
		if _, err := workload.Parse("k.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %q in it", text, err, want)
		}
	}
	if _, err := workload.Parse("a.service", []byte("[Unit]\n")); err == nil {
		t.Error("a unit without a service is taken")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("k.yaml", []byte("kind: Pod\nspec: {containers: [{name: a, resources: {limits: {memory: 1e3, cpu: 5m}}}]}"))
	f.Add("c.yaml", []byte("services: {a: {<<: &x {mem_limit: 1g}, environment: [GOGC=1], volumes: [a:/proc]}}"))
	f.Add("a.service", []byte("[Service]\nMemoryMax=1.5G\nCPUQuota=5%\nEnvironment='A=b"))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		found, err := workload.Parse(name, data)
		if (err == nil) != (len(found) > 0) {
			t.Fatalf("%d containers and %v", len(found), err)
		}
		for _, c := range found {
			workload.Judge(c, labels, []string{"/app"})
		}
	})
}
