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

var image = workload.Image{Labels: labels, User: "65532:65532", Volumes: []string{"/data"}, Binaries: []string{"/app"}}

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
		{"broken quantity", "k.yaml", "kind: Pod\nspec:\n  containers:\n  - {name: a, resources: {limits: {memory: lots, cpu: 500m}}}", []string{"F4 limit", "U"}},
		{"compose", "c.yaml", "services:\n  a:\n    deploy: {resources: {limits: {memory: 256m, cpus: '0.5'}}}\n    environment:\n      GOGC: 50\n    volumes: ['./x:/proc:ro']\n", []string{"F3 memory limit", "F3 GOMEMLIMIT", "F6 mount /proc", "W5 env GOGC"}},
		{"compose, list and anchor", "c.yaml", "x-l: &l {mem_limit: 512m}\nservices:\n  a:\n    <<: *l\n    cpus: 0.5\n    environment: [GOGC]\n", []string{"U"}},
		{"unit", "a.service", "[Service]\nMemoryMax=512M\nMemoryHigh=470M\nCPUQuota=50%\nEnvironment=\"A=b c\" GOGC=x\n", []string{"F3 GOMEMLIMIT", "F5 env GOGC"}},
		{"unit, percentage", "a.service", "[Service]\nMemoryMax=50%\nCPUQuota=50%\n", []string{"U"}},
		{"quadlet", "a.container", "[Container]\nImage=app\nVolume=/x:/sys\n[Service]\nMemoryMax=512M\nCPUQuota=\\\n  25%\n", []string{"F6 CPU limit", "F3 mount /sys"}},
		{"env from elsewhere", "k.yaml", pod("    envFrom: [{configMapRef: {name: x}}]\n"), []string{"U"}},
		{"env from elsewhere, nothing left open", "k.yaml", pod("    envFrom: [{secretRef: {name: x}}]\n    env:\n" +
			"    - {name: GOMEMLIMIT, value: 460MiB}\n    - {name: GOGC, value: ''}\n    - {name: GOMAXPROCS, value: ''}\n    - {name: GODEBUG, value: ''}\n"), nil},
		{"env of a variable", "k.yaml", pod("    env: [{name: GOMEMLIMIT, value: $(X)}]\n"), []string{"U"}},
		{"limit of the pod", "k.yaml", "kind: Pod\nspec:\n  resources: {limits: {memory: 1Gi, cpu: 1}}\n  containers: [{name: a}]", []string{"U", "U"}},
		{"another user", "k.yaml", pod("    securityContext: {runAsUser: 1000, runAsNonRoot: true}\n"), []string{"W6 user"}},
		{"not root", "k.yaml", pod("    securityContext: {runAsNonRoot: true}\n"), nil},
		{"read-only root", "k.yaml", pod("    securityContext: {readOnlyRootFilesystem: true}\n    volumeMounts: [{mountPath: /data}]\n"), []string{"W6 read-only root"}},
		{"env_file", "c.yaml", "services: {a: {mem_limit: 512m, cpus: 0.5, env_file: a.env}}", []string{"U"}},
		{"compose, variables", "c.yaml", "services: {a: {mem_limit: '${M}', cpus: 0.5, user: '${U}', volumes: ['a:${D}']}}", []string{"U", "U", "U"}},
		{"compose, extends", "c.yaml", "services: {a: {mem_limit: 512m, cpus: 0.5, extends: b}}", []string{"U"}},
		{"compose, merged env", "c.yaml", "x-e: &e {GOGC: off}\nx-f: &f {GOGC: 50, GODEBUG: x}\nservices:\n  a:\n    mem_limit: 512m\n    cpus: 0.5\n    environment: {<<: [*e, *f]}\n",
			[]string{"F2 env GODEBUG", "W1 env GOGC"}},
		{"compose, root", "c.yaml", "services: {a: {mem_limit: 512m, cpus: 0.5, user: '0:0', read_only: true, tmpfs: [/tmp, '/data:size=1m']}}", []string{"F1 user"}},
		{"unit, environment from elsewhere", "a.service", "[Service]\nMemoryMax=512M\nCPUQuota=50%\nEnvironment=GOGC=50\nEnvironmentFile=-/etc/a\nPassEnvironment=GODEBUG\n", []string{"W4 env GOGC", "U", "U"}},
		{"unit, environment taken back", "a.service", "[Service]\nMemoryMax=512M\nCPUQuota=50%\nEnvironment=GOGC=x\nEnvironment=\n", nil},
		{"unit that starts podman", "a.service", "[Service]\nMemoryMax=512M\nCPUQuota=50%\nExecStart=/usr/bin/podman run app\n", []string{"U"}},
		{"quadlet, limits in arguments", "a.container", "[Container]\nPodmanArgs=-m 1g\n", []string{"U"}},
		{"quadlet, arguments", "a.container", "[Container]\nPodmanArgs=-m 1g\nMount=type=tmpfs,destination=/proc\nReadOnly=true\n[Service]\nMemoryMax=512M\nCPUQuota=50%\nEnvironment=GOGC=x\n",
			[]string{"F3 mount /proc", "W4 read-only root", "W4 read-only root", "U"}},
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

// TestUserOfTheImage demands what only the image can keep.
func TestUserOfTheImage(t *testing.T) {
	found, err := workload.Parse("k.yaml", []byte("kind: Pod\nspec: {securityContext: {runAsNonRoot: true}, containers: [{name: a}]}"))
	if err != nil {
		t.Fatal(err)
	}
	for user, ok := range map[string]bool{"65532": true, "65532:0": true, "0": false, "": false, "nonroot": false, "00:1": false} {
		if fails := workload.Judge(found[0], workload.Image{User: user}).Fails; (len(fails) == 0) != ok {
			t.Errorf("user %q: %v", user, fails)
		}
	}
}

func judged(c workload.Container) []string {
	var all []string
	found := workload.Judge(c, image)
	for _, f := range found.Fails {
		all = append(all, fmt.Sprintf("F%d %s", f.Line, bare(f.Where)))
	}
	for _, f := range found.Warns {
		all = append(all, fmt.Sprintf("W%d %s", f.Line, bare(f.Where)))
	}
	for range found.Unknowns {
		all = append(all, "U")
	}
	return all
}

// bare is a place without the container's name.
func bare(where string) string {
	return strings.TrimPrefix(strings.TrimPrefix(where, "container a "), "container app ")
}

func TestChoose(t *testing.T) {
	pod := "kind: Pod\nspec: {containers: [{name: a, image: 'r.example.com/app:v1'}, {name: b, image: 'proxy'}]," +
		" initContainers: [{name: setup, image: 'r.example.com/app:v1'}, {name: logs, restartPolicy: Always, image: logs}]}"
	all, err := workload.Parse("k.yaml", []byte(pod))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, ref, want string }{
		{"", "r.example.com/app:v1", "a"}, {"", "r.example.com/app", "a"}, {"", "r.example.com/app:v1@sha256:00", "a"},
		{"", "docker.io/library/proxy:v9", "b"}, {"b", "", "b"}, {"setup", "", "setup"}, {"logs", "", "logs"},
		{"", "r.example.com/app:v2", ""}, {"", "", ""}, {"c", "proxy", ""},
	} {
		found, errs := workload.Choose(all, c.name, c.ref)
		got := ""
		if len(errs) == 0 {
			got = found[0].Name
		}
		if got != c.want || len(found) > 1 {
			t.Errorf("%q, %q: %q (%v), want %q", c.name, c.ref, got, errs, c.want)
		}
	}
}

// TestChooseTheOnlyOne takes the only container of a file, unless it names another image; a
// file that has none is an error, whatever another one has.
func TestChooseTheOnlyOne(t *testing.T) {
	var all []workload.Container
	for file, text := range map[string]string{
		"k.yaml":        "kind: Pod\nspec: {containers: [{name: a, image: other}], initContainers: [{name: b, image: app}]}",
		"app.container": "[Container]\n",
	} {
		found, err := workload.Parse(file, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	for _, c := range []struct {
		name, ref    string
		found, wrong int
	}{
		{"", "", 2, 0}, {"", "app", 1, 1}, {"app", "", 1, 1}, {"b", "", 1, 1}, {"c", "", 0, 2},
	} {
		found, errs := workload.Choose(all, c.name, c.ref)
		if len(found) != c.found || len(errs) != c.wrong {
			t.Errorf("%q, %q: %d found, %v; want %d and %d", c.name, c.ref, len(found), errs, c.found, c.wrong)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"kind: Pod\nspec: {{ x }}":          "k.yaml:2: this is a template",
		"kind: ConfigMap":                   "ConfigMap",
		"a: b":                              "(none)",
		"":                                  "deploys no container",
		"[":                                 "k.yaml:1: the YAML cannot be read",
		"kind: Pod\nspec:\n\t- x\n":         "\n> 3 | \t- x",
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
			workload.Judge(c, image)
		}
	})
}
