package testenv

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// The go command itself is the client: with the netrc file and the CA it downloads
// and builds, and it fails without either.
func TestModuleProxy(t *testing.T) {
	proxy := NewModuleProxy(t, Credentials{"robot", "s3cret"}, map[string]fs.FS{
		"corp.example/Lib@v1.2.0": fstest.MapFS{
			"go.mod": {Data: []byte("module corp.example/Lib\n\ngo 1.25.0\n")},
			"lib.go": {Data: []byte("package lib\n\nconst Answer = 42\n")},
		},
	})
	dir := buildContext(t, map[string]string{
		"go.mod":  "module app\n\ngo 1.25.0\n\nrequire corp.example/Lib v1.2.0\n",
		"main.go": "package main\n\nimport lib \"corp.example/Lib\"\n\nfunc main() { println(lib.Answer) }\n",
		"ca.pem":  string(proxy.CA), "netrc": string(proxy.Netrc), "empty": "",
	})
	tests := []struct{ name, netrc, ca, want string }{
		{"allowed", "netrc", "ca.pem", ""},
		{"no password", "empty", "ca.pem", "401"},
		{"unknown authority", "netrc", "empty", "x509"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			modules := t.TempDir()
			env := []string{
				"GOPROXY=" + proxy.URL, "GONOSUMDB=*", "GOFLAGS=-mod=mod -modcacherw", "GOWORK=off", "GOENV=off",
				"GOMODCACHE=" + modules, "SSL_CERT_DIR=" + modules,
				"NETRC=" + filepath.Join(dir, tt.netrc), "SSL_CERT_FILE=" + filepath.Join(dir, tt.ca),
			}
			out := runCommand(t.Context(), append(env, "PWD="+dir), "go", "-C", dir, "build", "-o", os.DevNull, ".")
			if tt.want == "" {
				out.Must(t)
				return
			}
			if out.Err == nil || !strings.Contains(out.Stderr, tt.want) {
				t.Errorf("want an error with %q, got %v\n%s", tt.want, out.Err, out.Stderr)
			}
		})
	}
}
