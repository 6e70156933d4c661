package testenv

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	modzip "golang.org/x/mod/zip"
)

// ModuleProxy serves private Go modules over TLS to who knows the password.
type ModuleProxy struct {
	// URL is for GOPROXY.
	URL string
	// CA is the certificate that signed the proxy's own, as PEM.
	CA []byte
	// Netrc is a netrc file that opens the proxy.
	Netrc []byte

	modules map[module.Version]fs.FS
}

// NewModuleProxy serves the modules, named path@version, until the test ends. A
// request without the credentials is answered 401.
func NewModuleProxy(t testing.TB, c Credentials, modules map[string]fs.FS) *ModuleProxy {
	t.Helper()
	p := &ModuleProxy{modules: map[module.Version]fs.FS{}}
	for name, files := range modules {
		path, version, _ := strings.Cut(name, "@")
		if err := module.Check(path, version); err != nil {
			t.Fatal(err)
		}
		p.modules[module.Version{Path: path, Version: version}] = files
	}
	server := httptest.NewUnstartedServer(basicAuth(http.HandlerFunc(p.serve), c))
	// Clients that do not trust the CA are part of the tests: no log for them.
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	p.URL = server.URL
	p.CA = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	// The go command compares a machine with the URL's host and port.
	p.Netrc = fmt.Appendf(nil, "machine "+server.Listener.Addr().String()+" login %s password %s\n", c.User, c.Password)
	return p
}

// serve answers the GOPROXY protocol: https://go.dev/ref/mod#goproxy-protocol.
func (p *ModuleProxy) serve(w http.ResponseWriter, r *http.Request) {
	escaped, request, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/@")
	path, err := module.UnescapePath(escaped)
	if !ok || err != nil {
		http.NotFound(w, r)
		return
	}
	versions := p.versions(path)
	switch {
	case len(versions) == 0:
		http.NotFound(w, r)
	case request == "v/list":
		_, _ = io.WriteString(w, strings.Join(versions, "\n")+"\n")
	case request == "latest":
		writeInfo(w, versions[len(versions)-1])
	default:
		p.serveVersion(w, r, path, strings.TrimPrefix(request, "v/"))
	}
}

func (p *ModuleProxy) versions(path string) []string {
	var versions []string
	for v := range p.modules {
		if v.Path == path {
			versions = append(versions, v.Version)
		}
	}
	slices.SortFunc(versions, semver.Compare)
	return versions
}

func (p *ModuleProxy) serveVersion(w http.ResponseWriter, r *http.Request, path, file string) {
	dot := strings.LastIndexByte(file, '.')
	version, err := module.UnescapeVersion(file[:max(dot, 0)])
	mod := module.Version{Path: path, Version: version}
	files, ok := p.modules[mod]
	if err != nil || !ok {
		http.NotFound(w, r)
		return
	}
	var data []byte
	switch file[dot:] {
	case ".info":
		writeInfo(w, version)
		return
	case ".mod":
		data, err = fs.ReadFile(files, "go.mod")
	case ".zip":
		data, err = moduleZip(mod, files)
	default:
		http.NotFound(w, r)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(data)
}

func writeInfo(w io.Writer, version string) {
	_ = json.NewEncoder(w).Encode(map[string]string{"Version": version, "Time": "2025-01-01T00:00:00Z"})
}

func moduleZip(mod module.Version, files fs.FS) ([]byte, error) {
	var list []modzip.File
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			list = append(list, zipFile{files, path})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := modzip.Create(&out, mod, list); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// zipFile is a file of an fs.FS as x/mod/zip wants it.
type zipFile struct {
	fs   fs.FS
	path string
}

func (f zipFile) Path() string                 { return f.path }
func (f zipFile) Lstat() (fs.FileInfo, error)  { return fs.Stat(f.fs, f.path) }
func (f zipFile) Open() (io.ReadCloser, error) { return f.fs.Open(f.path) }
