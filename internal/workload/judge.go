package workload

import (
	"fmt"
	"strconv"

	"github.com/plimsoll-build/plimsoll/internal/tuning"
)

// Finding is one disagreement, with the line of the deployment.
type Finding struct {
	Where, Got, Want string
	Line             int
}

// Findings are what a container disagrees in. Fails break the service or a promise of
// the labels, Warns are an operator's right, but change what was planned.
type Findings struct {
	Fails, Warns []Finding
	Unknowns     []string
}

// Image is what a container is held against.
type Image struct {
	// Labels are the config's, and so are User and Volumes.
	Labels  map[string]string
	User    string
	Volumes []string
	// Binaries are the paths of its programs.
	Binaries []string
}

// Judge holds a container against the image that it runs.
func Judge(c Container, image Image) Findings {
	j := &judging{c: c, image: image, labels: image.Labels}
	for _, p := range c.problems {
		j.fail(p.Where, p.Got, p.Want, p.Line)
	}
	for _, u := range c.unread {
		j.unknown(u.Line, "%s", u.Value)
	}
	j.memory()
	j.limit(tuning.LabelMemoryHigh, "memory.high", c.MemoryHigh, parseBytes, "")
	j.limit(tuning.LabelCPUMax, "CPU limit", c.CPU, tuning.ParseCores, c.form.cpu)
	j.gogc()
	j.maxProcs()
	j.godebug()
	j.envFrom()
	j.user()
	j.readOnly()
	j.mounts()
	return j.Findings
}

type judging struct {
	Findings
	c      Container
	image  Image
	labels map[string]string
}

func (j *judging) unknown(line int, format string, args ...any) {
	j.Unknowns = append(j.Unknowns, fmt.Sprintf("%s:%d: %s", j.c.File, line, j.name(fmt.Sprintf(format, args...))))
}

func (j *judging) fail(where, got, want string, line int) {
	j.Fails = append(j.Fails, Finding{j.name(where), got, want, line})
}

func (j *judging) warn(where, got, want string, line int) {
	j.Warns = append(j.Warns, Finding{j.name(where), got, want, line})
}

func (j *judging) name(where string) string {
	if j.c.Name == "" {
		return where
	}
	return "container " + j.c.Name + " " + where
}

func parseBytes(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }

// limit compares one limit with its label: none or less is a failure, more a warning. add
// says how to write one; without it none is needed.
func (j *judging) limit(label, what string, got Amount, parse func(string) (int64, error), add string) {
	text, ok := j.labels[label]
	want, err := parse(text)
	switch {
	case !ok:
	case err != nil:
		j.Unknowns = append(j.Unknowns, "label "+label+" cannot be read")
	case got.Line == 0 && len(j.c.unread) > 0: // which may hold it, and is unknown already
	case got.Line == 0 && add != "":
		j.fail(what, "none", fmt.Sprintf(add, text)+", as label "+label+" says", j.c.Line)
	case got.Line == 0:
	case !got.known():
		j.unknown(got.Line, "%s: %s", what, got.Unknown)
	case got.Value < want:
		j.fail(what, decimal(got.Value), decimal(want)+" of label "+label, got.Line)
	case got.Value > want:
		j.warn(what, decimal(got.Value), decimal(want)+" of label "+label, got.Line)
	}
}

// memory compares max, request and the GOMEMLIMIT that is in force.
func (j *judging) memory() {
	j.limit(tuning.LabelMemoryMax, "memory limit", j.c.MemoryMax, parseBytes, j.c.form.memory)
	most, request := j.c.MemoryMax, j.c.MemoryRequest
	if most.known() && request.known() && request.Value > most.Value {
		j.fail("memory request", decimal(request.Value), "at most the limit of "+decimal(most.Value), request.Line)
	}
	limit, line, ok := j.memLimit()
	if !ok || limit == tuning.Unlimited {
		return
	}
	if line == 0 {
		line = most.Line
	}
	if most.known() && limit >= most.Value {
		j.fail("GOMEMLIMIT", decimal(limit), "less than the memory limit of "+decimal(most.Value)+", or the kernel kills first", line)
	}
	if high := j.c.MemoryHigh; high.known() && limit > high.Value/100*95 {
		j.fail("GOMEMLIMIT", decimal(limit), "at most 95% of memory.high, "+decimal(high.Value), high.Line)
	}
	if request.known() && request.Value < limit {
		j.warn("memory request", decimal(request.Value), "at least GOMEMLIMIT, "+decimal(limit)+": the heap may grow to it before it is collected", request.Line)
	}
}

// memLimit is the GOMEMLIMIT in force: the operator's, else the image's.
func (j *judging) memLimit() (limit int64, line int, ok bool) {
	label, labelled := j.labels[tuning.LabelMemLimit]
	v, set := j.env("GOMEMLIMIT")
	if !set {
		limit, err := tuning.ParseMemLimit(label)
		return limit, 0, labelled && err == nil
	}
	limit, err := tuning.ParseMemLimit(v.Value)
	if err != nil {
		j.fail("env GOMEMLIMIT", v.Value, "bytes, or a size in KiB, MiB, GiB or TiB: the Go runtime dies on anything else", v.Line)
		return 0, 0, false
	}
	if planned, err := tuning.ParseMemLimit(label); labelled && err == nil && planned != limit {
		j.warn("env GOMEMLIMIT", v.Value, label+" of label "+tuning.LabelMemLimit, v.Line)
	}
	if limit == tuning.Unlimited && j.c.MemoryMax.Line > 0 {
		j.fail("env GOMEMLIMIT", v.Value, "a limit below the memory limit", v.Line)
	}
	return limit, v.Line, true
}

// env is the last value of a variable that the deployment sets. One whose value comes
// from elsewhere is unknown.
func (j *judging) env(name string) (Variable, bool) {
	for i := len(j.c.Env) - 1; i >= 0; i-- {
		v := j.c.Env[i]
		if v.Name != name {
			continue
		}
		if !v.Known {
			j.unknown(v.Line, "the value of %s comes from elsewhere", name)
		}
		return v, v.Known
	}
	return Variable{}, false
}

func (j *judging) gogc() {
	v, set := j.env("GOGC")
	if !set {
		return
	}
	if _, err := tuning.ParseGOGC(v.Value); err != nil {
		j.fail("env GOGC", v.Value, "a percentage without its sign, or off: the Go runtime ignores anything else", v.Line)
	} else if label := j.labels[tuning.LabelGOGC]; label != v.Value {
		j.warn("env GOGC", v.Value, orDefault(label)+" of label "+tuning.LabelGOGC, v.Line)
	}
}

func orDefault(label string) string {
	if label == "" {
		return "the default"
	}
	return label
}

func (j *judging) maxProcs() {
	v, set := j.env("GOMAXPROCS")
	if !set {
		return
	}
	label := j.labels[tuning.LabelMaxProcs]
	n, err := tuning.ParseMaxProcs(v.Value)
	switch {
	case err != nil:
		j.fail("env GOMAXPROCS", v.Value, "a number above 0: the Go runtime ignores anything else", v.Line)
	case label == "auto" && v.Value == "": // which the runtime takes for none
	case label == "auto":
		j.warn("env GOMAXPROCS", v.Value, "none: it would follow the CPU limit, as label "+tuning.LabelMaxProcs+" says", v.Line)
	case label != "" && label != v.Value:
		j.warn("env GOMAXPROCS", v.Value, label+" of label "+tuning.LabelMaxProcs, v.Line)
	}
	if cpu := j.c.CPU; err == nil && cpu.known() && int64(n) > max(2, (cpu.Value+999)/1000) {
		j.warn("env GOMAXPROCS", v.Value, "at most the CPU limit of "+tuning.FormatCores(cpu.Value)+", or it is throttled", v.Line)
	}
}

func (j *judging) godebug() {
	v, set := j.env("GODEBUG")
	if !set {
		return
	}
	settings, err := tuning.ParseGODEBUG(v.Value)
	if err != nil {
		j.fail("env GODEBUG", v.Value, "key=value, comma-separated: "+err.Error(), v.Line)
		return
	}
	for _, s := range settings {
		if (s.Key == "containermaxprocs" || s.Key == "updatemaxprocs") && s.Value == "0" && j.labels[tuning.LabelMaxProcs] == "auto" {
			j.fail("env GODEBUG", v.Value, "no "+s.Key+"=0: label "+tuning.LabelMaxProcs+" is auto", v.Line)
		}
	}
	if want := tuning.EnvGODEBUG(j.labels); want != v.Value {
		j.warn("env GODEBUG", v.Value, orDefault(want)+" of label "+tuning.LabelGODEBUG, v.Line)
	}
}
