package facts

import (
	"strings"
	"testing"
)

func TestStamps(t *testing.T) {
	const module = "-- go.mod --\nmodule example.com/x\ngo 1.26\n-- cmd/x/other.go --\npackage main\nfunc main() {}\n"
	main := func(text string) string { return module + "-- cmd/x/main.go --\npackage main\n" + text + "\n" }
	info := func(text string) string { return module + "-- info/info.go --\npackage info\n" + text + "\n" }
	for name, tt := range map[string]struct{ archive, stamp, want string }{
		"a variable":                {main("var revision string"), "main.revision", ""},
		"with a default":            {main(`var revision = "dev" + "el"`), "main.revision", ""},
		"with a constant":           {main("const unknown = \"\"\nvar revision = unknown"), "main.revision", ""},
		"in a group":                {main("var (\n\tversion, revision = \"a\", string(\"b\")\n)"), "main.revision", ""},
		"for another platform":      {main("") + "-- cmd/x/x_windows.go --\npackage main\nvar revision string\n", "main.revision", ""},
		"none":                      {main("var Revision string"), "main.revision", "there is no variable revision in cmd/x"},
		"a local one":               {main("func f() { var revision string; _ = revision }"), "main.revision", "there is no variable revision"},
		"a test's":                  {main("") + "-- cmd/x/x_test.go --\npackage main\nvar revision string\n", "main.revision", "there is no variable"},
		"a file that go leaves out": {main("") + "-- cmd/x/_x.go --\npackage main\nvar revision string\n", "main.revision", "there is no variable"},
		"a constant":                {main(`const revision = "dev"`), "main.revision", "revision is a constant in cmd/x"},
		"made by a function":        {main("var revision = read()\nfunc read() string { return \"\" }"), "main.revision", "made by a function"},
		"made of a variable":        {main("var revision = unknown") + "-- cmd/x/b.go --\npackage main\nvar unknown = \"dev\"\n", "main.revision", "of other variables"},
		"one of two of a function":  {main("var revision, err = read()\nfunc read() (string, error) { return \"\", nil }"), "main.revision", "made by a function"},
		"main by its path":          {main("var revision string"), "example.com/x/cmd/x.revision", "write main.revision"},
		"in another package":        {info("var Revision string"), "example.com/x/info.Revision", ""},
		"not in another package":    {info("const Revision = 1"), "example.com/x/info.Revision", "Revision is a constant in info"},
		"in the module's root":      {module + "-- x.go --\npackage x\nvar A string\n", "example.com/x.B", "there is no variable B in ."},
		"in another module":         {main(""), "example.com/y.Revision", ""},
		"in a module below":         {info("") + "-- info/go.mod --\nmodule example.com/x/info\n", "example.com/x/info.Revision", ""},
		"of a name like ours":       {main(""), "example.com/xy.Revision", ""},
		"in no directory":           {main(""), "example.com/x/nowhere.Revision", ""},
		"a directory like a file":   {info("") + "-- info/x.go/a.txt --\n", "example.com/x/info.Revision", ""},
		"for the compiler to say":   {info("var Revision string = ="), "example.com/x/info.Other", ""},
	} {
		t.Run(name, func(t *testing.T) {
			q := Query{Mains: []Want{{Name: "./cmd/x", Key: "build.main"}}, Platforms: linux, Stamps: []Want{{Name: tt.stamp, Key: "build.stamp.revision"}}}
			f, err := Collect(tree(t, tt.archive), q)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == "" && len(f.Warnings) > 0 {
				t.Errorf("warned: %v", f.Warnings)
			}
			if tt.want != "" && (len(f.Warnings) != 1 || f.Warnings[0].Rule != "stamp" || f.Warnings[0].Path != "build.stamp.revision" || !strings.Contains(f.Warnings[0].Message, tt.want)) {
				t.Errorf("warnings %v; want %q", f.Warnings, tt.want)
			}
		})
	}
}

// One of several main packages that has the variable is enough.
func TestStampOfOneBinary(t *testing.T) {
	archive := "-- go.mod --\nmodule example.com/x\ngo 1.26\n-- a/main.go --\npackage main\nfunc main() {}\n-- b/main.go --\npackage main\nvar revision string\nfunc main() {}\n"
	q := Query{Mains: []Want{{Name: "a"}, {Name: "b"}}, Platforms: linux, Stamps: []Want{{Name: "main.revision"}}}
	f, err := Collect(tree(t, archive), q)
	if err != nil || len(f.Warnings) > 0 {
		t.Errorf("%v, %v", f.Warnings, err)
	}
}
