package cacheprog_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

// published are modules with all that a compile reads of them, and with what it does not.
var published = map[string]map[string]string{
	"example.com/Upper/dep@v1.0.0": {
		"go.mod":        "module example.com/Upper/dep\n\ngo 1.21\n\nrequire example.com/unused v1.0.0\n",
		"dep.go":        "// Package dep has an upper-case path.\npackage dep\n\nimport (\n\t_ \"embed\"\n\n\t\"example.com/Upper/dep/internal/sum\"\n)\n\n//go:embed data/word.txt\nvar word string\n\n// Word is embedded.\nfunc Word() string { return word[:sum.Add(1, 2)] }\n",
		"dep_test.go":   "package dep\n",
		"data/word.txt": "word",
		"README.md":     "Not compiled.",
		"other/o.go":    "package other\n",

		"internal/sum/sum.go":       "// Package sum is assembly.\npackage sum\n\n// Add adds.\nfunc Add(a, b int64) int64\n",
		"internal/sum/sum_amd64.s":  "#include \"ret.inc\"\n\nTEXT ·Add(SB), 4, $0-24\n\tMOVQ a+0(FP), AX\n\tADDQ b+8(FP), AX\n\tMOVQ AX, ret+16(FP)\n\tLEAVE_IT\n",
		"internal/sum/sum_arm64.s":  "#include \"ret.inc\"\n\nTEXT ·Add(SB), 4, $0-24\n\tMOVD a+0(FP), R0\n\tMOVD b+8(FP), R1\n\tADD R0, R1\n\tMOVD R1, ret+16(FP)\n\tLEAVE_IT\n",
		"internal/sum/ret.inc":      "#define LEAVE_IT RET\n",
		"internal/sum/sum_plan9.go": "package sum\n",
	},
	"example.com/a/b@v1.0.0": {
		"go.mod": "module example.com/a/b\n\ngo 1.21\n",
		"b.go":   "// Package b is beside a nested module.\npackage b\n\n// B is 2.\nconst B = 2\n",
	},
	"example.com/a/b/c@v1.0.0": {
		"go.mod": "module example.com/a/b/c\n\ngo 1.21\n",
		"c.go":   "// Package c is a nested module.\npackage c\n\n// C is 3.\nconst C = 3\n",
	},
	"example.com/unused@v1.0.0": {"go.mod": "module example.com/unused\n\ngo 1.21\n", "unused.go": "package unused\n"},
}

// service is a module that requires those, and one beside it by a replacement.
var service = map[string]string{
	"go.mod":       "module example.com/app\n\ngo 1.21\n\nrequire (\n\texample.com/Upper/dep v1.0.0\n\texample.com/a/b v1.0.0\n\texample.com/a/b/c v1.0.0\n\texample.com/near v1.0.0\n\texample.com/unused v1.0.0 // indirect\n)\n\nreplace example.com/near => ./near\n",
	"main.go":      "package main\n\nimport (\n\t\"example.com/Upper/dep\"\n\t\"example.com/a/b\"\n\t\"example.com/a/b/c\"\n\t\"example.com/near\"\n)\n\nfunc main() { println(dep.Word(), b.B, c.C, near.Near) }\n",
	"near/go.mod":  "module example.com/near\n\ngo 1.21\n",
	"near/near.go": "// Package near is replaced.\npackage near\n\n// Near is 1.\nconst Near = 1\n",
}

// thirdParty are the packages of other modules that the service imports.
var thirdParty = []string{"example.com/Upper/dep", "example.com/a/b", "example.com/a/b/c"}

func writeFiles(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// publish writes modules as a module proxy's files, "go help goproxy".
func publish(t testing.TB, dir string) {
	t.Helper()
	for module, files := range published {
		name, version, _ := strings.Cut(module, "@")
		var archive bytes.Buffer
		z := zip.NewWriter(&archive)
		for file, content := range files {
			w, err := z.Create(path.Join(module, file))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte(content)); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		info, err := json.Marshal(map[string]string{"Version": version})
		if err != nil {
			t.Fatal(err)
		}
		writeFiles(t, filepath.Join(dir, escaped(name), "@v"), map[string]string{
			"list": version + "\n", version + ".info": string(info), version + ".mod": files["go.mod"], version + ".zip": archive.String(),
		})
	}
}

// escaped is a module's path in a proxy and a cache: an upper-case letter follows a "!".
func escaped(name string) string {
	var b strings.Builder
	for _, r := range name {
		if unicode.IsUpper(r) {
			b.WriteByte('!')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
