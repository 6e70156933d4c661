package gosource

// rulesTests are trees for the rules of modules, workspaces and experiments.
func rulesTests() []listTest {
	lib := []string{"lib/go.mod: module ex.com/lib", "lib/p/p.go: package p", "lib/q/q.go: package q", "lib/q/q_test.go: package q", "other/go.mod: module ex.com/lib", "other/p/p.go: package p"}
	service := func(dir, directives string) []string {
		return append([]string{dir + "/go.mod: module ex.com/" + dir + "\n" + directives,
			dir + "/main.go: package main\nimport (_ \"ex.com/lib/p\"; _ \"third.org/x\")"}, lib...)
	}
	published := files(service("svc", "require (\nex.com/lib v1.2.0\nthird.org/x v1.0.0\n)\nreplace ex.com/lib v1.2.0 => ../lib\nreplace ex.com/lib => ../other\n")...)
	fork := files(service("svc", "require ex.com/lib v1.2.0\nreplace ex.com/lib => ../lib\n")...)
	fork["go.work"] = files("go.work: go 1.26\nuse ./svc\nreplace ex.com/lib => fork.org/lib v1.3.0\n")["go.work"]
	conflict := files(append(service("a", "require ex.com/lib v1.2.0\nreplace ex.com/lib => ../lib\n"),
		append(service("b", "replace ex.com/lib => ../other\n"), "go.work: go 1.26\nuse (\n./a\n./b\n)\n")...)...)
	ambiguous := files("go.work: go 1.26\nuse (\n.\n./n2\n)\n", goMod, "main.go: package main\nimport _ \"ex.com/m/n\"", "n/n.go: package n",
		"n2/go.mod: module ex.com/m/n", "n2/n.go: package n")
	trial := files(goMod, "main.go: package main", "on.go: //go:build goexperiment.jsonv2\npackage main\nimport _ \"encoding/json/v2\"",
		"off.go: //go:build !goexperiment.jsonv2\npackage main\nimport _ \"encoding/json\"", "w_windows.go: package main")
	mains := files(goMod, "a/main.go: package main", "b/main.go: package main", "a/default.pgo: ", "b/default.pgo: ")

	return []listTest{
		{name: "replaced and published", src: published, r: Request{Dir: "svc"}, want: Listing{
			Own: []string{"ex.com/lib/p", "ex.com/svc"}, Deps: []string{"third.org/x"}, Replaced: []string{"lib"},
			Shared: []string{"lib/go.mod", "lib/p/p.go", "lib/q/q.go"},
			Files:  []string{"lib/go.mod", "lib/p/p.go", "lib/q/q.go", "svc/go.mod", "svc/main.go"}}},
		{name: "go.work overrides", src: fork, r: Request{Dir: "svc", Work: "go.work"}, want: Listing{
			Own: []string{"ex.com/svc"}, Deps: []string{"ex.com/lib/p", "third.org/x"}, Files: []string{"go.work", "svc/go.mod", "svc/main.go"}}},
		{name: "conflicting replacements", src: conflict, r: Request{Dir: "a", Work: "go.work"}, fail: "conflicting replacements of ex.com/lib"},
		{name: "ambiguous", src: ambiguous, r: Request{Work: "go.work"}, fail: "ambiguous import"},
		{name: "only cgo", src: files(goMod, "main.go: package main\nimport _ \"ex.com/m/a\"", "a/a.go: package a\nimport \"C\""), fail: "ex.com/m/a"},
		{name: "only excluded", src: files(goMod, "main.go: //go:build windows\npackage main"), fail: "no buildable Go source files"},
		{name: "no such package", src: files(goMod, "main.go: package main\nimport _ \"ex.com/m/a\""), fail: "ex.com/m/a"},
		{name: "experiment off", src: trial, want: Listing{Own: []string{"ex.com/m"}, Std: []string{"encoding/json"}, Files: []string{"go.mod", "main.go", "off.go"}}},
		{name: "experiment on", src: trial, r: Request{Env: append([]string{"GOEXPERIMENT=jsonv2"}, env...)},
			want: Listing{Own: []string{"ex.com/m"}, Std: []string{"encoding/json/v2"}, Files: []string{"go.mod", "main.go", "on.go"}}},
		{name: "experiment of another Go", src: trial, r: Request{Go: "1.27rc1"},
			want: Listing{Own: []string{"ex.com/m"}, Std: []string{"encoding/json", "encoding/json/v2"}, Files: []string{"go.mod", "main.go", "off.go", "on.go"}}},
		{name: "profiles that differ", src: mains, r: Request{Packages: []string{"./a", "./b"}}, want: Listing{Own: []string{"ex.com/m/a", "ex.com/m/b"},
			Files: []string{"a/default.pgo", "a/main.go", "b/default.pgo", "b/main.go", "go.mod"}, Profiles: []string{"a/default.pgo", "b/default.pgo"}}},
	}
}
