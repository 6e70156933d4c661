package e2e

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/plimsoll-build/plimsoll/internal/testenv"
)

var exampleDir = filepath.Join("..", "..", "examples")

// TestHelloRuns starts the smallest example as a cluster would: its own user, a
// read-only root, no capability, no network; under both runtimes.
func TestHelloRuns(t *testing.T) {
	b := bed(t)
	layout := embeddedLayout(t, b, filepath.Join(exampleDir, "hello"))
	for _, runtime := range []string{"runc", "crun"} {
		res := testenv.RunImage(t, layout, testenv.RunOptions{Runtime: runtime, Args: []string{"-once"}, Memory: 128 << 20})
		if res.ExitCode != 0 {
			t.Fatalf("%s: exit code %d\n%s%s", runtime, res.ExitCode, res.Stdout, res.Stderr)
		}
		for _, part := range []string{"65532", "120795955"} {
			has(t, runtime+"'s output", res.Stdout+res.Stderr, part)
		}
	}
}

// TestWorkspaceRuns adds up with the module beside it.
func TestWorkspaceRuns(t *testing.T) {
	b := bed(t)
	context := filepath.Join(exampleDir, "workspace")
	layout := embeddedLayout(t, b, "-f", filepath.Join(context, "services/orders/plimsoll.yaml"), context)
	res := testenv.RunImage(t, layout, testenv.RunOptions{Args: []string{"-once", "EUR", "1250", "99"}})
	if res.ExitCode != 0 || !strings.Contains(res.Stdout, "13.49") {
		t.Errorf("exit code %d: %s%s", res.ExitCode, res.Stdout, res.Stderr)
	}
}

// service starts an api image on a free port and waits until it is ready.
func service(t *testing.T, layout string, env ...string) (*testenv.Container, string) {
	t.Helper()
	addr := freeAddr(t)
	c := testenv.StartImage(t, layout, testenv.RunOptions{HostNetwork: true, Args: []string{"-addr", addr, "-db", "/data/api.db"}, Env: env, Memory: 256 << 20})
	base := "http://" + addr
	testenv.WaitFor(t, 30*time.Second, func() error {
		status, body, err := get(base + "/readyz")
		if err != nil || status != http.StatusOK {
			return fmt.Errorf("not ready: %d %s %w", status, body, err)
		}
		return nil
	})
	return c, base
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func get(address string) (status int, body string, err error) {
	client := http.Client{Timeout: 10 * time.Second}
	res, err := client.Get(address)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	return res.StatusCode, string(data), err
}

// TestAPIServes is a service's life: it answers, its tuning is what the labels say, and
// it ends in peace.
func TestAPIServes(t *testing.T) {
	b := bed(t)
	c, base := service(t, embeddedLayout(t, b, filepath.Join(exampleDir, "api")))
	for path, part := range map[string]string{"/": "<html", "/metrics": "go_goroutines", "/share/": "index.txt", "/runtime": "65532"} {
		status, body, err := get(base + path)
		if err != nil || status != http.StatusOK {
			t.Errorf("%s: %d, %v", path, status, err)
		}
		has(t, path, body, part)
	}
	_, body, _ := get(base + "/runtime")
	var rt struct {
		GOMEMLIMIT json.RawMessage `json:"gomemlimit"`
	}
	if err := json.Unmarshal([]byte(body), &rt); err != nil || strings.Trim(string(rt.GOMEMLIMIT), `"`) != "222298112" {
		t.Errorf("the runtime's own limit is %s, %v: %s", rt.GOMEMLIMIT, err, body)
	}
	if err := c.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if res := c.Wait(); res.ExitCode != 0 {
		t.Errorf("after SIGTERM: exit code %d\n%s", res.ExitCode, res.Stderr)
	}
}

// TestRoots calls a server that a private CA signed: an image without that CA says so,
// one with `caRoots: [mozilla, corp.pem]` trusts it.
func TestRoots(t *testing.T) {
	b := bed(t)
	certs := filepath.Join(exampleDir, "api", "certs")
	pair, err := tls.LoadX509KeyPair(filepath.Join(certs, "corp.pem"), filepath.Join(certs, "corp-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "trusted") }))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{leaf(t, pair)}}
	server.StartTLS()
	defer server.Close()
	outbound := "/outbound?url=" + url.QueryEscape(server.URL)

	_, without := service(t, embeddedLayout(t, b, filepath.Join(exampleDir, "api")), "API_OUTBOUND=on")
	status, body, err := get(without + outbound)
	if err != nil || status == http.StatusOK {
		t.Errorf("without the CA: %d, %v", status, err)
	}
	has(t, "the answer without the CA", body, "x509: certificate signed by unknown authority")

	dir := filepath.Join(exampleDir, "api")
	_, with := service(t, embeddedLayout(t, b, "-f", filepath.Join(dir, "plimsoll.scratch.yaml"), dir))
	status, body, err = get(with + outbound)
	if err != nil || status != http.StatusOK {
		t.Errorf("with the CA: %d, %v, %s", status, err, body)
	}
}
