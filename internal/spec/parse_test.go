package spec

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// header is the smallest spec.
const header = "apiVersion: " + APIVersion + "\n"

func mustParse(t *testing.T, text string) *Document {
	t.Helper()
	doc, err := Parse("plimsoll.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestValid parses every valid spec; NAME.json is the service that it says.
func TestValid(t *testing.T) {
	files, err := filepath.Glob("testdata/valid/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			doc := mustParse(t, string(data))
			service, err := json.MarshalIndent(doc.Service, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".json", string(service)+"\n")
		})
	}
}

// TestScalarsAsWritten: what YAML would read as a number, a boolean or a time
// stays the token.
func TestScalarsAsWritten(t *testing.T) {
	field := map[string]func(Service) any{
		"build: {go: %s}": func(s Service) any { return s.Build.Go },
		"image: {files: [{from: a, to: /a, mode: %s}]}":           func(s Service) any { return s.Image.Files[0].Mode },
		"image: {user: %s}":                                       func(s Service) any { return s.Image.User },
		"image: {ports: [%s]}":                                    func(s Service) any { return s.Image.Ports[0] },
		"image: {env: {A: %s}}":                                   func(s Service) any { return s.Image.Env["A"] },
		"runtime: {cpu: {max: %s}}":                               func(s Service) any { return s.Runtime.CPU.Max },
		"runtime: {memory: {max: %s}}":                            func(s Service) any { return s.Runtime.Memory.Max },
		"runtime: {gogc: %s, memory: {max: 1GiB}}":                func(s Service) any { return s.Runtime.Gogc },
		"runtime: {memlimit: %s, memory: {max: 1GiB}}":            func(s Service) any { return s.Runtime.Memlimit },
		"image: {caRoots: %s}":                                    func(s Service) any { return s.Image.CARoots[0] },
		"runtime: {memory: {max: 1GiB, headroom: %s}}":            func(s Service) any { return *s.Runtime.Memory.Headroom },
		"image: {args: [%s]}":                                     func(s Service) any { return s.Image.Args[0] },
		"build: {levels: {\"386\": sse2, arm: %s}}":               func(s Service) any { return s.Build.Levels["arm"] },
		"runtime: {godebug: {http2client: %s}}":                   func(s Service) any { return s.Runtime.Godebug["http2client"] },
		"build: {args: {A: %s}}":                                  func(s Service) any { return s.Build.Args["A"] },
		"build: {stamp: {version: %s}}":                           func(s Service) any { return s.Build.Stamp.Version },
		"runtime: {pids: %s}":                                     func(s Service) any { return s.Runtime.Pids },
		"image: {tzdata: %s}":                                     func(s Service) any { return *s.Image.Tzdata },
		"build: {binaries: [{name: %s, main: ./cmd/a}]}":          func(s Service) any { return s.Build.Binaries[0].Name },
		"runtime: {cpu: {set: %s}}":                               func(s Service) any { return s.Runtime.CPU.Set },
		"runtime: {gomaxprocs: %s}":                               func(s Service) any { return s.Runtime.Gomaxprocs },
		"x-v: &v %s\nimage: {labels: {a: *v}}":                    func(s Service) any { return s.Image.Labels["a"] },
		"x-m: &m {a: %s, b: 1}\nimage: {labels: {<<: *m, b: 02}}": func(s Service) any { return s.Image.Labels["a"] + s.Image.Labels["b"] },
	}
	for _, tt := range []struct {
		template, token string
		want            any
	}{
		{"build: {go: %s}", "1.20", "1.20"},
		{"build: {go: %s}", `"1.26.8"`, "1.26.8"},
		{"image: {files: [{from: a, to: /a, mode: %s}]}", "0444", "0444"},
		{"image: {files: [{from: a, to: /a, mode: %s}]}", "644", "644"},
		{"image: {user: %s}", "65532:65532", "65532:65532"},
		{"image: {user: %s}", "0", "0"},
		{"image: {ports: [%s]}", "8080", "8080"},
		{"image: {env: {A: %s}}", "yes", "yes"},
		{"image: {env: {A: %s}}", "1e3", "1e3"},
		{"image: {env: {A: %s}}", "0x1F", "0x1F"},
		{"image: {env: {A: %s}}", "1_000", "1_000"},
		{"image: {env: {A: %s}}", "2026-01-02", "2026-01-02"},
		{"image: {env: {A: %s}}", ".inf", ".inf"},
		{"image: {env: {A: %s}}", `"null"`, "null"},
		{"image: {env: {A: %s}}", "False", "False"},
		{"image: {env: {A: %s}}", `"${X:-\u00e9}"`, nil},
		{"runtime: {cpu: {max: %s}}", "0.50", Cores(500)},
		{"runtime: {cpu: {max: %s}}", "2", Cores(2000)},
		{"runtime: {cpu: {max: %s}}", "250m", Cores(250)},
		{"runtime: {memory: {max: %s}}", "536870912", Size(512 << 20)},
		{"runtime: {memory: {max: %s}}", "512MiB", Size(512 << 20)},
		{"runtime: {memory: {max: %s}}", "1e9", nil},
		{"runtime: {gogc: %s, memory: {max: 1GiB}}", "off", "off"},
		{"runtime: {gogc: %s, memory: {max: 1GiB}}", `"off"`, "off"},
		{"runtime: {gogc: %s, memory: {max: 1GiB}}", "false", "off"},
		{"runtime: {gogc: %s, memory: {max: 1GiB}}", `"false"`, nil},
		{"runtime: {gogc: %s, memory: {max: 1GiB}}", "100", "100"},
		{"runtime: {memlimit: %s, memory: {max: 1GiB}}", "off", "off"},
		{"runtime: {memlimit: %s, memory: {max: 1GiB}}", "'off'", "off"},
		{"runtime: {memlimit: %s, memory: {max: 1GiB}}", "false", "off"},
		{"runtime: {memlimit: %s, memory: {max: 1GiB}}", "OFF", nil},
		{"image: {caRoots: %s}", "none", "none"},
		{"image: {caRoots: %s}", "[none]", "none"},
		{"runtime: {memory: {max: 1GiB, headroom: %s}}", "10%", Percent(10)},
		{"image: {args: [%s]}", "-1", "-1"},
		{"build: {levels: {\"386\": sse2, arm: %s}}", "7", "7"},
		{"runtime: {godebug: {http2client: %s}}", "0", "0"},
		{"build: {args: {A: %s}}", "1.10", "1.10"},
		{"build: {stamp: {version: %s}}", "main.version", "main.version"},
		{"runtime: {pids: %s}", "512", 512},
		{"runtime: {pids: %s}", "+512", nil},
		{"image: {tzdata: %s}", "true", true},
		{"image: {tzdata: %s}", `"true"`, nil},
		{"build: {binaries: [{name: %s, main: ./cmd/a}]}", "0x10", "0x10"},
		{"runtime: {cpu: {set: %s}}", "1", "1"},
		{"runtime: {gomaxprocs: %s}", "4", "4"},
		{"x-v: &v %s\nimage: {labels: {a: *v}}", "0.10", "0.10"},
		{"x-m: &m {a: %s, b: 1}\nimage: {labels: {<<: *m, b: 02}}", "010", "01002"},
	} {
		text := fmt.Sprintf(tt.template, tt.token)
		doc, err := Parse("plimsoll.yaml", []byte(header+text+"\n"))
		if tt.want == nil {
			if err == nil {
				t.Errorf("%s: accepted", text)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := field[tt.template](doc.Service); got != tt.want {
			t.Errorf("%s = %#v, want %#v", text, got, tt.want)
		}
	}
}

// TestHostile: documents made to hurt are refused, and quickly.
func TestHostile(t *testing.T) {
	bomb := "x-a: &a [" + strings.Repeat("x,", 9) + "x]\n"
	for c := 'b'; c < 'z'; c++ {
		bomb += fmt.Sprintf("x-%c: &%c [%s*%c]\n", c, c, strings.Repeat(fmt.Sprintf("*%c, ", c-1), 9), c-1)
	}
	for name, tt := range map[string]struct{ rule, text string }{
		"10 MB":           {"too-large", strings.Repeat("name: x\n", 10<<20/8)},
		"bomb":            {"too-large", header + bomb + "image: {labels: *y}\n"},
		"fat alias":       {"too-large", header + "x-a: &a " + strings.Repeat("x", 100_000) + "\nimage: {args: [" + strings.Repeat("*a,", 1000) + "]}\n"},
		"many values":     {"too-large", header + "image: {args: [" + strings.Repeat("x,", 400_000) + "]}\n"},
		"flow nesting":    {"too-deep", header + "x: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000)},
		"block nesting":   {"too-deep", header + nested(1000)},
		"map nesting":     {"too-deep", header + "x: " + strings.Repeat("{a: ", 1000) + strings.Repeat("}", 1000)},
		"open nesting":    {"yaml-syntax", header + "x: " + strings.Repeat("[", 1<<19)},
		"alias nesting":   {"too-deep", header + "x-a: &a " + strings.Repeat("[", 60) + strings.Repeat("]", 60) + "\nx-b: " + strings.Repeat("[", 60) + "*a" + strings.Repeat("]", 60)},
		"merge into self": {"alias-cycle", header + "image: &i {<<: *i}\n"},
		"many errors":     {"unknown-key", header + manyKeys(5000)},
		"long line":       {"unknown-key", header + `? "` + strings.Repeat("k", 900_000) + "\"\n: 1"},
		"colons":          {"yaml-syntax", header + strings.Repeat("a: ", 200_000)},
		"comments":        {"missing-key", strings.Repeat("#\n", 500_000)},
		"quotes":          {"yaml-syntax", header + "x: \"" + strings.Repeat("\\", 500_001)},
		"dashes":          {"yaml-syntax", header + strings.Repeat("- ", 20_000)},
		"anchors":         {"yaml-syntax", header + strings.Repeat("&a ", 200_000)},
		"utf-16":          {"encoding", "\xff\xfea\x00p\x00i\x00"},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			errs := parseErrors(t, "plimsoll.yaml", []byte(tt.text))
			if errs[0].Rule != tt.rule {
				t.Errorf("rule %s, want %s: %.300s", errs[0].Rule, tt.rule, errs[0])
			}
			if d := time.Since(start); d > 10*time.Second {
				t.Errorf("took %v", d)
			}
			if n := len(errs.Error()); n > 64<<20 {
				t.Errorf("the message has %d bytes", n)
			}
		})
	}
}

func nested(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "x:\n")
	}
	return b.String()
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "unknown-%d: x\n", i)
	}
	return b.String()
}

// TestPositions: key paths lead to lines and columns, columns in bytes.
func TestPositions(t *testing.T) {
	doc := mustParse(t, "\ufeff"+header+"image:\r\n  labels: {\"ü\": a, b: c}\r\n  files:\r\n  - from: ü\r\n    to: /a\r\n")
	for path, want := range map[string]Position{
		"apiVersion":          {1, 13},
		"image":               {3, 3},
		"image.labels.b":      {3, 24},
		"image.files[0].to":   {6, 9},
		"image.files[0].mode": {5, 5}, // not written: its file
		"runtime.memory":      {},
	} {
		if got := doc.Position(path); got != want {
			t.Errorf("%s at %v, want %v", path, got, want)
		}
	}
}

// TestProblem: what others find wrong stands at its key like our own.
func TestProblem(t *testing.T) {
	doc := mustParse(t, header+"image:\n  base: static\n")
	for path, want := range map[string]Position{"image.base": {3, 9}, "image.base.digest": {3, 9}, "runtime": {}} {
		e := doc.Problem(path, "floating-base", "it floats")
		if e.Position != want || e.Rule != "floating-base" || e.Path != path || (e.Excerpt == "") != (want == Position{}) {
			t.Errorf("%s: %+v", path, e)
		}
	}
}

// TestExcerpt: a caret stands under the column, whatever stands before it.
func TestExcerpt(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, tt := range []struct {
		text string
		at   Position
		want string
	}{
		{"a\nb: ü c\nd", Position{2, 7}, "  1 | a\n> 2 | b: ü c\n    |      ^\n  3 | d"},
		{"a:\tb", Position{1, 4}, "> 1 | a:\tb\n    |   \t^"},
		{"a\u202eb", Position{1, 1}, "> 1 | a\ufffdb\n    | ^"},
		{long, Position{1, 201}, "> 1 | " + long[:120] + "\n    | " + strings.Repeat(" ", 60) + "^"},
		{"a", Position{}, ""},
	} {
		if diff := cmp.Diff(tt.want, newSource([]byte(tt.text)).excerpt(tt.at)); diff != "" {
			t.Errorf("%.20q at %v (-want +got):\n%s", tt.text, tt.at, diff)
		}
	}
}

func TestTemplate(t *testing.T) {
	for _, tt := range []struct{ name, main, wantMain string }{
		{"", "", "."},
		{"orders", "./cmd/orders", "./cmd/orders"},
		{"null", "./cmd/null", "./cmd/null"},
		{"1e3", "cmd/a b", "cmd/a b"},
		{"x", `cmd/"q": #`, `cmd/"q": #`},
	} {
		text := Template(tt.name, tt.main)
		if !strings.HasPrefix(string(text), "# syntax="+SyntaxImage+"\n") {
			t.Errorf("the first line of %s", text)
		}
		doc := mustParse(t, string(text))
		if doc.Service.Name != tt.name || doc.Service.Build.Main != tt.wantMain {
			t.Errorf("name %q, main %q of:\n%s", doc.Service.Name, doc.Service.Build.Main, text)
		}
		uncommented := strings.ReplaceAll(string(text), "\n#   ", "\n   ")
		uncommented = strings.NewReplacer("\n# image:", "\nimage:", "\n# runtime:", "\nruntime:").Replace(uncommented)
		if doc := mustParse(t, uncommented); doc.Service.Image.Base != "static" || doc.Service.Runtime.Memory.Max == 0 {
			t.Errorf("uncommented, it says %+v:\n%s", doc.Service, uncommented)
		}
	}
}
