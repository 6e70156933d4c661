package gosource

import "testing/fstest"

// generated are small trees for what published modules cannot show: replaced
// directories, workspaces, vendoring, profiles.
func generated() []real {
	const sync = "require golang.org/x/sync v0.10.0\n"
	const sum = "go.sum: golang.org/x/sync v0.10.0 h1:3NQrjDixjgGwUOCaF8w2+VYHv0Ve/vGYSbdkTa98gmQ=\n" +
		"golang.org/x/sync v0.10.0/go.mod h1:Czt+wKu1gCyEFDUtn0jG5QVvpJ6rzVqr5aXyt9drQfk=\n"
	const group = "import _ \"golang.org/x/sync/errgroup\"\n"
	svc := func(directives string) []string {
		return []string{"svc/go.mod: module ex.com/svc\ngo 1.24\n" + sync + directives, "svc/" + sum,
			"svc/main.go: package main\nimport _ \"ex.com/lib/p\"\n" + group + "func main() {}", "svc/main_test.go: package main",
			"svc/default.pgo: "}
	}
	lib := []string{"lib/go.mod: module ex.com/lib\ngo 1.24\n" + sync, "lib/" + sum, "lib/p/p.go: package p\nimport _ \"golang.org/x/sync/semaphore\"",
		"lib/p/e.go: package p\nimport _ \"embed\"\n//go:embed all:d\nvar x string", "lib/p/d/.h: ", "lib/p/d/n/_x: ", "lib/q/q.go: package q"}
	tree := func(lists ...[]string) fstest.MapFS {
		var all []string
		for _, list := range lists {
			all = append(all, list...)
		}
		return files(all...)
	}
	dotted := []string{"GOOS=linux", "GOARCH=amd64"}
	main := []string{"."}
	return []real{
		{name: "replaced", dir: "svc", packages: main, env: dotted,
			files: tree(svc("require ex.com/lib v0.0.0\nreplace ex.com/lib => ../lib\n"), lib)},
		{name: "third party replaced", dir: "svc", packages: main, env: dotted,
			files: tree(svc("require ex.com/lib v0.0.0\nreplace (\nex.com/lib => ../lib\ngolang.org/x/sync => ../sync\n)\n"), lib,
				[]string{"sync/go.mod: module golang.org/x/sync", "sync/errgroup/g.go: package errgroup\nimport _ \"golang.org/x/sync/semaphore\"",
					"sync/semaphore/s.go: package semaphore\nimport _ \"context\""})},
		{name: "workspace", dir: "svc", packages: main, env: dotted, work: "go.work",
			files: tree(svc(""), lib, []string{"go.work: go 1.24\nuse (\n./svc\n./lib\n)\n"})},
		{name: "vendored", dir: "svc", packages: []string{".", "./cmd/a"}, env: dotted, vendored: true,
			files: tree([]string{"svc/go.mod: module ex.com/svc\ngo 1.24\n" + sync, "svc/" + sum, "svc/main.go: package main\n" + group + "func main() {}",
				"svc/cmd/a/a.go: package main\nimport _ \"ex.com/svc/x\"\nfunc main() {}", "svc/x/x.go: package x\nimport _ \"golang.org/x/sync/semaphore\""})},
	}
}
