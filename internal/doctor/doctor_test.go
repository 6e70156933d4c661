package doctor_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll-build/plimsoll/internal/cgroup"
	"github.com/plimsoll-build/plimsoll/internal/cgroup/recorded"
	"github.com/plimsoll-build/plimsoll/internal/doctor"
)

var update = flag.Bool("update", false, "write the expected reports anew")

func machines(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	if err != nil || len(files) < 20 {
		t.Fatalf("%d recorded machines: %v", len(files), err)
	}
	return files
}

// TestMachines examines each recorded machine. What must hold whatever we make of it is
// said in the record itself ("expect: VERDICT NAME", "place: PLACE", by hand); the
// golden file beside it keeps the rest from changing unseen.
func TestMachines(t *testing.T) {
	for _, file := range machines(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			tree, comment := recorded.Parse(data)
			r := doctor.Examine(tree)
			expect(t, r, comment)
			var got bytes.Buffer
			fmt.Fprintf(&got, "places %q\n", r.Places)
			for _, f := range r.Findings {
				fmt.Fprintf(&got, "%s %s\n", f.Verdict, f.Name)
				for _, e := range f.Evidence {
					fmt.Fprintf(&got, "\t%s: %s\n", e.Source, e.Value)
				}
			}
			golden(t, strings.TrimSuffix(file, ".txtar")+".golden", got.String())
		})
	}
}

// expect holds a report against the lines of a record's comment.
func expect(t *testing.T, r doctor.Report, comment string) {
	t.Helper()
	var places []string
	for line := range strings.Lines(comment) {
		line = strings.TrimSpace(line)
		if place, ok := strings.CutPrefix(line, "place: "); ok {
			places = append(places, place)
		}
		want, ok := strings.CutPrefix(line, "expect: ")
		if ok && !slices.ContainsFunc(r.Findings, func(f doctor.Finding) bool { return string(f.Verdict)+" "+f.Name == want }) {
			t.Errorf("expected %q", want)
		}
	}
	var got []string
	for _, p := range r.Places {
		got = append(got, string(p))
	}
	slices.Sort(places)
	if diff := cmp.Diff(places, slices.Sorted(slices.Values(got))); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// TestForm: every finding says what it found; one that is not ok has its reason and, but
// for what could not be read, what to do.
func TestForm(t *testing.T) {
	for _, file := range machines(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tree, _ := recorded.Parse(data)
		var names []string
		for _, f := range doctor.Examine(tree).Findings {
			names = append(names, f.Name)
			if f.Found == "" {
				t.Errorf("%s: %s says nothing", file, f.Name)
			}
			if (f.Verdict == doctor.Warn || f.Verdict == doctor.Note) && f.Why == "" && f.Name != "cgroup" && f.Name != "place" {
				t.Errorf("%s: %s does not say why", file, f.Name)
			}
			if f.Verdict == doctor.Warn && (f.Do == "" || len(f.Evidence) == 0) {
				t.Errorf("%s: %s does not say what to do, or from what", file, f.Name)
			}
		}
		if diff := cmp.Diff(doctor.Names(), names); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}

// TestThisMachine asserts what can be known without knowing the machine.
func TestThisMachine(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // Examine reads what Linux alone has
	}
	root := os.DirFS("/")
	r := doctor.Examine(root)
	mode := cgroup.Read(root).Mode
	for _, f := range r.Findings {
		if f.Name == "cgroup" && (f.Verdict == doctor.Unknown) != (mode == cgroup.ModeUnknown) {
			t.Errorf("cgroup: %s, the mounts say %s", f.Verdict, mode)
		}
		if f.Name == "kernel" && f.Verdict == doctor.Unknown {
			t.Error("the kernel of this machine is unknown")
		}
		if f.Name == "gomaxprocs" && os.Getenv("GOMAXPROCS") == "" && !strings.HasPrefix(f.Found, fmt.Sprint(runtime.GOMAXPROCS(0))) {
			t.Errorf("gomaxprocs: %s; this process has %d", f.Found, runtime.GOMAXPROCS(0))
		}
	}
}

// TestNothingReadable: a tree that refuses every file is judged, and nothing is well in it
// by evidence.
func TestNothingReadable(t *testing.T) {
	r := doctor.Examine(denied{})
	for _, f := range r.Findings {
		if f.Verdict == doctor.OK && len(f.Evidence) > 0 {
			t.Errorf("%s is ok by %v, although nothing can be read", f.Name, f.Evidence)
		}
	}
}

type denied struct{}

func (denied) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
}

func TestFormats(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "killed-before.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	tree, _ := recorded.Parse(data)
	tree.MapFS["proc/sys/kernel/osrelease"].Data = []byte("6.1\x1b[31m")
	r := doctor.Examine(tree)
	var text, plain bytes.Buffer
	if err := r.Text(&text, true); err != nil {
		t.Fatal(err)
	}
	if err := r.Text(&plain, false); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(plain.String(), "\x1b") || !strings.Contains(text.String(), "\x1b[33m") {
		t.Error("colours in plain text, or none where wanted")
	}
	var out bytes.Buffer
	if err := r.JSON(&out); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Schema   int
		Worst    doctor.Verdict
		Findings []doctor.Finding
	}
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Schema != doctor.SchemaVersion || doc.Worst != doctor.Warn || len(doc.Findings) != len(doctor.Names()) {
		t.Errorf("%+v", doc)
	}
}
