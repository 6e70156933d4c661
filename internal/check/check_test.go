package check

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// elfFile is an ELF file of headers alone: what the kernel reads first.
func elfFile(t *testing.T, machine elf.Machine, typ elf.Type, segments ...elf.ProgType) []byte {
	t.Helper()
	const headerSize, segmentSize = 64, 56
	h := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1},
		Type:  uint16(typ), Machine: uint16(machine), Version: 1, Phoff: headerSize, Ehsize: headerSize,
		Phentsize: segmentSize, Phnum: uint16(len(segments)),
	}
	var b bytes.Buffer
	write := func(v any) {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	write(h)
	for _, s := range segments {
		write(elf.Prog64{Type: uint32(s)})
	}
	return b.Bytes()
}

func TestProgram(t *testing.T) {
	good := elfFile(t, elf.EM_AARCH64, elf.ET_EXEC, elf.PT_LOAD)
	for _, c := range []struct {
		name, arch, want string
		data             []byte
	}{
		{"good", "arm64", "", good},
		{"another architecture", "amd64", "not for amd64", good},
		{"an architecture nobody knows", "vax", "not for vax", good},
		{"a loader", "arm64", "PT_INTERP", elfFile(t, elf.EM_AARCH64, elf.ET_DYN, elf.PT_LOAD, elf.PT_INTERP)},
		{"an object file", "arm64", "ET_REL", elfFile(t, elf.EM_AARCH64, elf.ET_REL)},
		{"a script", "arm64", "is its package main", []byte("#!/bin/sh\n")},
		{"nothing", "arm64", "is its package main", nil},
		{"half a header", "arm64", "ELF header", good[:20]},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Program(bytes.NewReader(c.data), int64(len(c.data)), c.arch)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestRoot(t *testing.T) {
	good := elfFile(t, elf.EM_X86_64, elf.ET_EXEC, elf.PT_LOAD)
	file := func(data []byte) *fstest.MapFile { return &fstest.MapFile{Data: data, Mode: 0o755} }
	link := func(to string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(to), Mode: os.ModeSymlink | 0o777}
	}
	for _, c := range []struct {
		name    string
		root    fstest.MapFS
		volumes []string
		workdir string
		want    []string // rule and path of what failed
	}{
		{"good", fstest.MapFS{"svc": file(good), "sys": {Mode: os.ModeDir | 0o755}}, []string{"/data"}, "/", nil},
		{"behind links", fstest.MapFS{"svc": link("opt/svc"), "opt": link("/usr/opt"), "usr/opt/svc": file(good)}, nil, "", nil},
		{"a limit of the image's own", fstest.MapFS{"svc": file(good), "sys/fs/cgroup/memory.max": file([]byte("max\n"))}, nil, "", []string{"mounts /sys/fs/cgroup/memory.max"}},
		{"a link for proc", fstest.MapFS{"svc": file(good), "proc": link("/elsewhere")}, nil, "", []string{"mounts /proc"}},
		{"a volume over sys", fstest.MapFS{"svc": file(good)}, []string{"/sys/fs"}, "", []string{"mounts /sys/fs"}},
		{"a working directory in proc", fstest.MapFS{"svc": file(good), "w": link("/proc/self")}, nil, "/w", []string{"mounts /w"}},
		{"no binary", fstest.MapFS{}, nil, "", []string{"static /svc"}},
		{"a directory for a binary", fstest.MapFS{"svc/x": file(good)}, nil, "", []string{"static /svc"}},
		{"a link that leads out", fstest.MapFS{"svc": link("../../svc")}, nil, "", []string{"static /svc"}},
		{"a loader and another machine", fstest.MapFS{"svc": file(elfFile(t, elf.EM_AARCH64, elf.ET_DYN, elf.PT_INTERP))}, nil, "", []string{"static /svc", "platform /svc"}},
		{"a text", fstest.MapFS{"svc": file([]byte("hello"))}, nil, "", []string{"static /svc"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			report := Root(c.root, Request{Architecture: "amd64", Binaries: []string{"/svc"}, Volumes: c.volumes, WorkingDir: c.workdir})
			var got []string
			for _, f := range report.Failed() {
				got = append(got, f.Rule+" "+f.Path)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("failed %q, want %q\n%v", got, c.want, report)
			}
			if len(report) == 0 {
				t.Error("the report is empty")
			}
		})
	}
}

// TestHook: the function is looked for in the table that the runtime reads, of a real program.
func TestHook(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		function string
		data     []byte
		good     bool
	}{
		{"testing.tRunner", data, true}, {"main.absent", data, false}, {"testing.tRunner", elfFile(t, elf.EM_X86_64, elf.ET_EXEC), false}, {"testing.tRunner", nil, false},
	} {
		if err := Hook(bytes.NewReader(c.data), int64(len(c.data)), c.function); (err == nil) != c.good {
			t.Errorf("%s in %d bytes: %v", c.function, len(c.data), err)
		}
	}
	root := fstest.MapFS{"svc": {Data: data, Mode: 0o755}}
	for function, failed := range map[string]bool{"testing.tRunner": false, "main.absent": true} {
		report := Root(root, Request{Architecture: runtime.GOARCH, Binaries: []string{"/svc"}, Hooks: map[string]string{"/svc": function}})
		if got := slices.ContainsFunc(report.Failed(), func(f Finding) bool { return f.Rule == RuleHook }); got != failed {
			t.Errorf("%s: %v", function, report)
		}
	}
}

// TestCommand: the program as a vertex runs it, over a real directory.
func TestCommand(t *testing.T) {
	dir := t.TempDir()
	svc, report := filepath.Join(dir, "svc"), filepath.Join(t.TempDir(), "report.json")
	write := func(machine elf.Machine) {
		if err := os.WriteFile(svc, elfFile(t, machine, elf.ET_EXEC, elf.PT_LOAD), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(elf.EM_X86_64)
	request := `{"architecture":"amd64","binaries":["/svc"]}`
	var out bytes.Buffer
	if code := Command([]string{dir, request}, &out); code != 0 || strings.Contains(out.String(), "FAIL") || strings.Count(out.String(), "\n") != 3 {
		t.Errorf("exit code %d\n%s", code, &out)
	}
	write(elf.EM_S390)
	out.Reset()
	if code := Command([]string{dir, request}, &out); code != Refused || !strings.Contains(out.String(), "FAIL  platform  /svc") {
		t.Errorf("exit code %d\n%s", code, &out)
	}
	if code := Command([]string{dir, request, report}, io.Discard); code != 0 {
		t.Errorf("with a report: exit code %d", code)
	}
	var read Report
	data, err := os.ReadFile(report)
	if err != nil || json.Unmarshal(data, &read) != nil || len(read.Failed()) != 1 {
		t.Errorf("the report: %v\n%s", err, data)
	}
	for _, args := range [][]string{nil, {dir}, {dir, "{"}, {dir + "/none", request}, {dir, request, dir + "/none/x"}} {
		if code := Command(args, io.Discard); code == 0 || code == Refused {
			t.Errorf("%q: exit code %d", args, code)
		}
	}
}

// A base's file names may hold anything; a finding stays one line.
func TestFindingIsOneLine(t *testing.T) {
	for path, want := range map[string]string{
		"/bin/app":           "FAIL  static    /bin/app: dynamic",
		"/grüße/app":         "FAIL  static    /grüße/app: dynamic",
		"/a\nok  root  /: x": `FAIL  static    "/a\nok  root  /: x": dynamic`,
		"/\xff\x1b[2J":       `FAIL  static    "/\xff\x1b[2J": dynamic`,
	} {
		if got := (Finding{RuleStatic, path, true, "dynamic"}).String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
